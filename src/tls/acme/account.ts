import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { bindAccount, type Signer } from "../../protocol/acme/jws.ts";
import type { AcmeClient } from "./acme-client.ts";
import { AcmeFailure } from "./acme-failure.ts";
import type { Authority } from "./authority.ts";
import { type CertificateStorage, keyPartOf } from "./certificate-storage.ts";

/** As it lies in the storage. The key is there before the CA hears of it, so no account is lost. */
interface StoredAccount {
  readonly directory: string;
  readonly key: string; // PEM
  readonly url: string | undefined; // undefined: not registered yet
  readonly email: string | undefined; // as the CA knows it
}

const LOCK_WAIT_MS = 60_000;

/**
 * Who we are to one CA: made at the first need, shared by all instances with the same storage, and
 * registered anew with the same key should the CA have forgotten it.
 */
export class AcmeAccount {
  readonly #client: AcmeClient;
  readonly #storage: CertificateStorage;
  readonly #place: string;
  #signer: Promise<Signer & { readonly account: string }> | undefined;

  constructor(client: AcmeClient, storage: CertificateStorage) {
    this.#client = client;
    this.#storage = storage;
    this.#place = placeOf(client.authority);
    this.#signer = undefined;
  }

  signer(): Promise<Signer & { readonly account: string }> {
    if (this.#signer === undefined) {
      const opened = this.#open();
      this.#signer = opened;
      opened.catch(() => {
        if (this.#signer === opened) this.#signer = undefined;
      });
    }
    return this.#signer;
  }

  /** The CA says that there is no such account: the next one who asks registers it. */
  async forget(): Promise<void> {
    this.#signer = undefined;
    const stored = await this.#read();
    if (stored !== undefined) await this.#write({ ...stored, url: undefined });
  }

  async #open(): Promise<Signer & { readonly account: string }> {
    const lock = await this.#storage.lock(`account-${this.#place}`, LOCK_WAIT_MS);
    if (lock === undefined) {
      throw new AcmeFailure(
        "unreachable",
        "another instance is opening the account, and does not end",
      );
    }
    await using _held = lock;
    const { email } = this.#client.authority;
    const stored = (await this.#read()) ?? (await this.#begin());
    const key = createPrivateKey(stored.key);
    if (stored.url === undefined) return await this.#register(stored, key);
    const signer = { key, account: stored.url };
    if (stored.email !== email) {
      await this.#client.send(stored.url, { contact: contactOf(email) }, signer);
      await this.#write({ ...stored, email });
    }
    return signer;
  }

  async #begin(): Promise<StoredAccount> {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const key = privateKey.export({ type: "pkcs8", format: "pem" });
    const { directory, email } = this.#client.authority;
    const begun = { directory, key, url: undefined, email };
    await this.#write(begun);
    return begun;
  }

  /** With a key that the CA knows already this finds its account (RFC 8555 §7.3.1). */
  async #register(stored: StoredAccount, key: KeyObject) {
    const { authority } = this.#client;
    const { newAccount, needsExternalAccount } = await this.#client.directory();
    const { email, external, name } = authority;
    if (needsExternalAccount && external === undefined) {
      const message = `${name} only takes who has an account there already: set externalAccount`;
      throw new AcmeFailure("refused", message);
    }
    const binding = external && {
      externalAccountBinding: bindAccount(key, { ...external, url: newAccount }),
    };
    const wanted = { termsOfServiceAgreed: true, contact: contactOf(email), ...binding };
    const { location } = await this.#client.send(newAccount, wanted, { key, account: undefined });
    if (location === undefined || !location.startsWith("https://")) {
      throw new AcmeFailure("malformed", `${name} does not say which account it has made`);
    }
    await this.#write({ ...stored, url: location, email });
    return { key, account: location };
  }

  async #read(): Promise<StoredAccount | undefined> {
    const text = await this.#storage.read(`accounts/${this.#place}.json`);
    if (text === undefined) return undefined;
    try {
      const stored = JSON.parse(text) as StoredAccount;
      createPrivateKey(stored.key);
      return stored;
    } catch {
      return undefined; // unusable: another account is no harm
    }
  }

  async #write(stored: StoredAccount): Promise<void> {
    await this.#storage.write(`accounts/${this.#place}.json`, JSON.stringify(stored));
  }
}

/** One for each CA and each account that was bound there. */
function placeOf({ directory, external }: Authority): string {
  const hash = createHash("sha256").update(`${directory}\n${external?.kid ?? ""}`);
  return `${keyPartOf(new URL(directory).hostname)}-${hash.digest("hex").slice(0, 12)}`;
}

function contactOf(email: string | undefined): string[] {
  return email === undefined ? [] : [`mailto:${email}`];
}
