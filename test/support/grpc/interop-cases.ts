/** The fourteen cases that gRPC's implementations try each other with, by their public description. */
import assert from "node:assert/strict";
import {
  type CallOptions,
  type Client,
  Metadata,
  type ServiceError,
  type StatusObject,
  status,
} from "@grpc/grpc-js";
import { within } from "../deadline.ts";
import {
  METHODS,
  type OutputRequest,
  type OutputResponse,
  payloadOf,
  type SimpleRequest,
  type SimpleResponse,
} from "./interop-service.ts";

export interface InteropCase {
  readonly name: string;
  run(client: Client): Promise<void>;
}

interface Ended<Told> {
  readonly status: StatusObject;
  readonly initial: Metadata;
  readonly told: readonly Told[];
}

const INITIAL = "x-grpc-test-echo-initial";
const INITIAL_VALUE = "test_initial_metadata_value";
const TRAILING = "x-grpc-test-echo-trailing-bin";
const TRAILING_VALUE = Buffer.from([0xab, 0xab, 0xab]);
const SPECIAL = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";
const ECHO = { code: status.UNKNOWN, message: "test status message" };
const INPUT_SIZES = [27_182, 8, 1_828, 45_904];
const OUTPUT_SIZES = [31_415, 9, 2_653, 58_979];
const TIME_MS = 10_000;

const inTime = <T>(promise: Promise<T>) => within(promise, () => "the end of the call", TIME_MS);

/** Anything that a call of grpc-js is, as far as its end goes. */
interface Call {
  on(event: "status", hear: (status: StatusObject) => void): unknown;
  on(event: "metadata", hear: (metadata: Metadata) => void): unknown;
}

function endOf<Told>(call: Call, told: readonly Told[]): Promise<Ended<Told>> {
  let initial = new Metadata();
  call.on("metadata", (metadata) => {
    initial = metadata;
  });
  return inTime(
    new Promise((resolve) => call.on("status", (end) => resolve({ status: end, initial, told }))),
  );
}

type UnaryMethod<Asked, Told> = {
  readonly path: string;
  readonly requestSerialize: (value: Asked) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Told;
};

export function unary<Asked, Told>(
  client: Client,
  { path, requestSerialize, responseDeserialize }: UnaryMethod<Asked, Told>,
  asked: Asked,
  metadata = new Metadata(),
): Promise<Ended<Told>> {
  const told: Told[] = [];
  const call = client.makeUnaryRequest(
    path,
    requestSerialize,
    responseDeserialize,
    asked,
    metadata,
    (_error: ServiceError | null, value?: Told) => {
      if (value !== undefined) told.push(value);
    },
  );
  return endOf(call, told);
}

interface Duplex {
  readonly call: ReturnType<typeof openDuplex>;
  readonly end: Promise<Ended<OutputResponse>>;
}

function openDuplex(client: Client, metadata: Metadata, options: CallOptions) {
  const { path, requestSerialize, responseDeserialize } = METHODS.duplex;
  return client.makeBidiStreamRequest<OutputRequest, OutputResponse>(
    path,
    requestSerialize,
    responseDeserialize,
    metadata,
    options,
  );
}

/** `onTold`: hears each response, with how many there have been. */
export function duplex(
  client: Client,
  onTold: (call: Duplex["call"], count: number) => void = () => {},
  metadata = new Metadata(),
  options: CallOptions = {},
): Duplex {
  const call = openDuplex(client, metadata, options);
  const told: OutputResponse[] = [];
  call.on("error", () => {}); // the status says it
  call.on("data", (value: OutputResponse) => {
    told.push(value);
    onTold(call, told.length);
  });
  return { call, end: endOf(call, told) };
}

function openInput(client: Client) {
  const { path, requestSerialize, responseDeserialize } = METHODS.input;
  const told: { readonly aggregatedPayloadSize: number }[] = [];
  const call = client.makeClientStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    (_error: ServiceError | null, value?: { readonly aggregatedPayloadSize: number }) => {
      if (value !== undefined) told.push(value);
    },
  );
  call.on("error", () => {});
  return { call, end: endOf(call, told) };
}

const asking = (index: number): OutputRequest => ({
  responseParameters: [{ size: OUTPUT_SIZES[index]! }],
  payload: payloadOf(INPUT_SIZES[index]!),
});

const sizes = (told: readonly OutputResponse[]) => told.map(({ payload }) => payload.body.length);

function withEcho(): Metadata {
  const metadata = new Metadata();
  metadata.set(INITIAL, INITIAL_VALUE);
  metadata.set(TRAILING, TRAILING_VALUE);
  return metadata;
}

function assertEchoed({ initial, status: end }: Ended<unknown>): void {
  assert.equal(end.code, status.OK, end.details);
  assert.deepEqual(initial.get(INITIAL), [INITIAL_VALUE]);
  assert.deepEqual(end.metadata.get(TRAILING), [TRAILING_VALUE]);
}

export const INTEROP_CASES: readonly InteropCase[] = [
  {
    name: "empty_unary",
    async run(client) {
      const { status: end, told } = await unary(client, METHODS.empty, {});

      assert.equal(end.code, status.OK, end.details);
      assert.deepEqual(told, [{}]);
    },
  },
  {
    name: "large_unary",
    async run(client) {
      const asked: SimpleRequest = { responseSize: 314_159, payload: payloadOf(271_828) };
      const { status: end, told } = await unary(client, METHODS.unary, asked);

      assert.equal(end.code, status.OK, end.details);
      assert.ok(told[0]?.payload?.body.equals(Buffer.alloc(314_159)));
    },
  },
  {
    name: "client_streaming",
    async run(client) {
      const { call, end } = openInput(client);
      for (const size of INPUT_SIZES) call.write({ payload: payloadOf(size) });
      call.end();
      const { status: last, told } = await end;

      assert.equal(last.code, status.OK, last.details);
      assert.deepEqual(told, [{ aggregatedPayloadSize: 74_922 }]);
    },
  },
  {
    name: "server_streaming",
    async run(client) {
      const { path, requestSerialize, responseDeserialize } = METHODS.output;
      const told: OutputResponse[] = [];
      const call = client.makeServerStreamRequest<OutputRequest, OutputResponse>(
        path,
        requestSerialize,
        responseDeserialize,
        { responseParameters: OUTPUT_SIZES.map((size) => ({ size })) },
      );
      call.on("error", () => {});
      call.on("data", (value: OutputResponse) => told.push(value));
      const { status: end } = await endOf(call, told);

      assert.equal(end.code, status.OK, end.details);
      assert.deepEqual(sizes(told), OUTPUT_SIZES);
    },
  },
  {
    name: "ping_pong",
    async run(client) {
      const { call, end } = duplex(client, (open, count) => {
        if (count < OUTPUT_SIZES.length) open.write(asking(count));
        else open.end();
      });
      call.write(asking(0));
      const { status: last, told } = await end;

      assert.equal(last.code, status.OK, last.details);
      assert.deepEqual(sizes(told), OUTPUT_SIZES);
    },
  },
  {
    name: "empty_stream",
    async run(client) {
      const { call, end } = duplex(client);
      call.end();
      const { status: last, told } = await end;

      assert.equal(last.code, status.OK, last.details);
      assert.deepEqual(told, []);
    },
  },
  {
    name: "cancel_after_begin",
    async run(client) {
      const { call, end } = openInput(client);
      call.cancel();

      assert.equal((await end).status.code, status.CANCELLED);
    },
  },
  {
    name: "cancel_after_first_response",
    async run(client) {
      const { call, end } = duplex(client, (open) => open.cancel());
      call.write(asking(0));
      const { status: last, told } = await end;

      assert.equal(last.code, status.CANCELLED);
      assert.equal(told.length, 1);
    },
  },
  {
    name: "timeout_on_sleeping_server",
    async run(client) {
      const deadline = Date.now() + 1;
      const { call, end } = duplex(client, undefined, undefined, { deadline });
      call.write({ payload: payloadOf(INPUT_SIZES[0]!) });

      assert.equal((await end).status.code, status.DEADLINE_EXCEEDED);
    },
  },
  {
    name: "custom_metadata",
    async run(client) {
      const asked: SimpleRequest = { responseSize: 314_159, payload: payloadOf(271_828) };
      assertEchoed(
        await unary<SimpleRequest, SimpleResponse>(client, METHODS.unary, asked, withEcho()),
      );

      const { call, end } = duplex(client, (open) => open.end(), withEcho());
      call.write({ ...asking(0), responseParameters: [{ size: 314_159 }] });
      assertEchoed(await end);
    },
  },
  {
    name: "status_code_and_message",
    async run(client) {
      const { status: end } = await unary(client, METHODS.unary, { responseStatus: ECHO });
      const other = duplex(client);
      other.call.write({ responseStatus: ECHO });
      other.call.end();
      const { status: last } = await other.end;

      assert.deepEqual([end.code, end.details], [ECHO.code, ECHO.message]);
      assert.deepEqual([last.code, last.details], [ECHO.code, ECHO.message]);
    },
  },
  {
    name: "special_status_message",
    async run(client) {
      const responseStatus = { code: status.UNKNOWN, message: SPECIAL };
      const { status: end } = await unary(client, METHODS.unary, { responseStatus });

      assert.deepEqual([end.code, end.details], [status.UNKNOWN, SPECIAL]);
    },
  },
  {
    name: "unimplemented_method",
    async run(client) {
      const { status: end } = await unary(client, METHODS.unimplemented, {});

      assert.equal(end.code, status.UNIMPLEMENTED);
    },
  },
  {
    name: "unimplemented_service",
    async run(client) {
      const { status: end } = await unary(client, METHODS.otherService, {});

      assert.equal(end.code, status.UNIMPLEMENTED);
    },
  },
];

/** A client that is connected; a call of it would wait otherwise. */
export async function connected(client: Client): Promise<Client> {
  await within(
    new Promise<void>((resolve, reject) => {
      client.waitForReady(Date.now() + TIME_MS, (error) => (error ? reject(error) : resolve()));
    }),
    () => "a connection",
  );
  return client;
}
