/** The http-proxy package as its readme shows it, with kept upstream connections. */
import { Agent, createServer, type IncomingMessage, type ServerResponse } from "node:http";

interface ProxyServer {
  web(downstream: IncomingMessage, reply: ServerResponse): void;
  on(event: "error", fn: (error: Error, downstream: IncomingMessage, reply: unknown) => void): void;
}
interface HttpProxyModule {
  readonly default: { createProxyServer(settings: object): ProxyServer };
}

const [listenPort, originPort] = process.argv.slice(2);
const packageName: string = "http-proxy"; // a variable, so that types do not need the package
const { default: httpProxy } = (await import(packageName)) as HttpProxyModule;

const proxy = httpProxy.createProxyServer({
  target: `http://127.0.0.1:${originPort}`,
  agent: new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY }),
  xfwd: true,
});
proxy.on("error", (_error, _downstream, reply) => (reply as ServerResponse).destroy());

const server = createServer((downstream, reply) => proxy.web(downstream, reply));
server.keepAliveTimeout = 75_000;
server.listen(Number(listenPort), "127.0.0.1");
process.once("SIGTERM", () => process.exit(0));
