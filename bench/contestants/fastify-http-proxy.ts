/** The @fastify/http-proxy package as its readme shows it. */
interface Application {
  register(plugin: unknown, settings: object): void;
  listen(address: { readonly host: string; readonly port: number }): Promise<string>;
}
interface FastifyModule {
  readonly default: (settings: object) => Application;
}

const [listenPort, originPort] = process.argv.slice(2);
const packageNames: readonly string[] = ["fastify", "@fastify/http-proxy"];
const [{ default: fastify }, plugin] = (await Promise.all(
  packageNames.map((name) => import(name)), // variables, so that types do not need the packages
)) as [FastifyModule, { readonly default: unknown }];

const application = fastify({ keepAliveTimeout: 75_000, bodyLimit: 16 * 1024 * 1024 });
application.register(plugin.default, {
  upstream: `http://127.0.0.1:${originPort}`,
  undici: { connections: 128, pipelining: 1 },
});
await application.listen({ host: "127.0.0.1", port: Number(listenPort) });
process.once("SIGTERM", () => process.exit(0));
