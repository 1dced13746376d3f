/** A CA, and what it knows us by. */
export interface Authority {
  readonly name: string; // for people: the host of its directory
  readonly directory: string; // an https URL
  readonly roots: string | undefined; // PEM: whom its own certificate must come from, else the system's
  readonly email: string | undefined;
  readonly external: { readonly kid: string; readonly macKey: string } | undefined;
  readonly profile: string | undefined;
}
