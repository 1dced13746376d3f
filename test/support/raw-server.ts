import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

/** A server of raw bytes: remembers what each connection sent, and does as the test says. */
export class RawServer {
  readonly port: number;
  readonly address: string;
  readonly connections: RawConnection[] = [];
  readonly #server: Server;

  private constructor(server: Server, onConnection: (connection: RawConnection) => void) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    this.address = `127.0.0.1:${this.port}`;
    server.on("connection", (socket) => {
      const connection = new RawConnection(socket);
      this.connections.push(connection);
      onConnection(connection);
    });
  }

  static async open(onConnection: (connection: RawConnection) => void = () => {}) {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new RawServer(server, onConnection);
  }

  close(): void {
    this.#server.close();
    for (const { socket } of this.connections) socket.destroy();
  }
}

export class RawConnection {
  readonly socket: Socket;
  text = ""; // latin1
  ended = false;
  errorCode = "";
  onText: () => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (bytes) => {
      this.text += bytes.toString("latin1");
      this.onText();
    });
    socket.on("end", () => {
      this.ended = true;
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.errorCode = error.code ?? "";
    });
  }
}

/** Answers everything with itself, and a FIN with a FIN. */
export function echo({ socket }: RawConnection): void {
  socket.pipe(socket);
}
