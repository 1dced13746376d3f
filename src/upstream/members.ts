/**
 * Who is in an upstream now: what its config says, with names that stand for several endpoints
 * written out, less what operators took out, and what they added.
 */
import type { AddedEndpoint, Directory } from "../core/directory.ts";
import { type EndpointOptions, endpointName } from "./endpoint.ts";

export const MEMBERS_MAX = 10_000; // as many as a config may list

/** Answers with the list it was given if nothing in the directory is about this upstream. */
export function membersOf(
  upstream: string,
  configured: readonly EndpointOptions[],
  directory: Directory,
): readonly EndpointOptions[] {
  const edits = directory.find("edits", upstream);
  const isPlain = configured.every(({ discover }) => discover === undefined);
  if (isPlain && edits === undefined) return configured;
  const members = new Map<string, EndpointOptions>();
  const added: readonly AddedEndpoint[] = edits?.added ?? [];
  for (const member of [...configured.flatMap((each) => writtenOut(each, directory)), ...added]) {
    const name = endpointName(member.address);
    // What two names stand for is one endpoint: as the first of them says.
    if (!members.has(name) && members.size < MEMBERS_MAX) members.set(name, member);
  }
  for (const name of edits?.removed ?? []) members.delete(name);
  return [...members.values()];
}

function writtenOut(configured: EndpointOptions, directory: Directory): EndpointOptions[] {
  const { address, discover, ...shared } = configured;
  const { host, port } = address;
  if (discover === "all") {
    const hosts = directory.find("name", host)?.hosts ?? [];
    return hosts.map((each) => ({ ...shared, serverName: host, address: { host: each, port } }));
  }
  if (discover === "srv") return services(configured, directory);
  return [configured];
}

/**
 * RFC 2782: the lowest priority first, the next one when nobody of it can be used. The numbers that a
 * service has are its own: in the upstream its priorities follow each other.
 */
function services(configured: EndpointOptions, directory: Directory): EndpointOptions[] {
  const { address, weight: _, discover: _discover, priority = 0, ...shared } = configured;
  const records = directory.find("service", address.host)?.records ?? [];
  const ranks = [...new Set(records.map((record) => record.priority))].sort((a, b) => a - b);
  return records.map((record) => ({
    ...shared,
    address: { host: record.host, port: record.port },
    // A weight of 0 is to have "a very small chance": to us it would mean none.
    weight: Math.max(1, record.weight),
    priority: priority + ranks.indexOf(record.priority),
    isStrict: true,
  }));
}
