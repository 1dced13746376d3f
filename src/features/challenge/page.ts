/**
 * The page that a browser solves a puzzle on: by itself, in a thread of its own, with nothing from
 * elsewhere. SHA-256 is written out, since crypto.subtle is not there over plain HTTP.
 */

// What runs in the worker thread. Told the puzzle and how hard it is; answers with the pass.
const WORKER = `
onmessage=function(e){
var puzzle=e.data[0],bits=e.data[1],k=[],h0=[],n=2,c=0;
function frac(x){return(x-Math.floor(x))*4294967296|0}
while(c<64){for(var p=true,f=2;f*f<=n;f++)if(n%f===0){p=false;break}
if(p){if(c<8)h0[c]=frac(Math.sqrt(n));k[c++]=frac(Math.cbrt(n))}n++}
function r(x,b){return x>>>b|x<<32-b}
function first(s){
var l=s.length,m=((l+8>>6)+1)*16,w=[],i,j,h=h0.slice(),x=[];
for(i=0;i<m;i++)w[i]=0;
for(i=0;i<l;i++)w[i>>2]|=s.charCodeAt(i)<<24-i%4*8;
w[l>>2]|=128<<24-l%4*8;w[m-1]=l*8;
for(j=0;j<m;j+=16){
var a=h.slice();
for(i=0;i<64;i++){
if(i<16)x[i]=w[j+i];else{var u=x[i-15],v=x[i-2];
x[i]=x[i-16]+(r(u,7)^r(u,18)^u>>>3)+x[i-7]+(r(v,17)^r(v,19)^v>>>10)|0}
var t=a[7]+(r(a[4],6)^r(a[4],11)^r(a[4],25))+(a[4]&a[5]^~a[4]&a[6])+k[i]+x[i]|0;
var t2=(r(a[0],2)^r(a[0],13)^r(a[0],22))+(a[0]&a[1]^a[0]&a[2]^a[1]&a[2])|0;
a=[t+t2|0,a[0],a[1],a[2],a[3]+t|0,a[4],a[5],a[6]]}
for(i=0;i<8;i++)h[i]=h[i]+a[i]|0}
return h[0]}
for(var q=0;;q++){var pass=puzzle+'.'+q.toString(36);
if(Math.clz32(first(pass))>=bits){postMessage(pass);return}}}
`.replaceAll("\n", "");

const SOURCE = JSON.stringify(WORKER);

/** The worker's text, for a test that solves a puzzle as a browser would. */
export const WORKER_TEXT = WORKER;

export interface PageParts {
  readonly puzzle: string;
  readonly bits: number;
  readonly cookie: string;
  readonly maxAgeS: number;
  readonly isSecure: boolean;
  readonly nonce: string; // of the content security policy; base64url
}

export function policyFor(nonce: string): string {
  return (
    `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; ` +
    "worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
  );
}

/** All that is put in is of our own making: no letter of it could end a string or a tag. */
export function challengePage(parts: PageParts): string {
  const { puzzle, bits, cookie, maxAgeS, isSecure, nonce } = parts;
  const attributes = `; path=/; max-age=${maxAgeS}; samesite=lax${isSecure ? "; secure" : ""}`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<title>One moment</title>
<style nonce="${nonce}">
body{font:16px/1.5 system-ui,sans-serif;max-width:36em;margin:15vh auto;padding:0 1em}
</style>
<h1>One moment</h1>
<p id="told">This site is busy. Your browser is showing that it is one;
that takes a second or two, and the page comes by itself.
<noscript><p>For that it needs JavaScript, which is switched off.
Please switch it on for this site, or come again later.</noscript>
<script nonce="${nonce}">
(function(){
var told=document.getElementById('told');
if(!navigator.cookieEnabled){
told.textContent='This site is busy, and needs a cookie to know your browser again. Please allow it.';
return}
var source=${SOURCE};
var worker=new Worker(URL.createObjectURL(new Blob([source],{type:'text/javascript'})));
worker.onmessage=function(e){
document.cookie='${cookie}='+e.data+'${attributes}';
location.reload()};
worker.onerror=function(){told.textContent='This did not work. Please come again later.'};
worker.postMessage(['${puzzle}',${bits}]);
})();
</script>
</html>
`;
}
