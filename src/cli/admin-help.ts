/** Of every command that talks to a running proxy; apart from its code, which help need not load. */
export const ADMIN_HELP = `  -c, --config FILE   the config that the proxy runs, which says where its admin is
  --admin URL         where it is, such as http://127.0.0.1:2080 or unix:/run/admin.sock
  --token TOKEN       the admin token; unless said, SLUICE_ADMIN_TOKEN or the config's`;
