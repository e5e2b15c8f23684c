/** A function as the gateway's database has it. */
export interface Published {
  stage: string;
  /** Without its stage; a draft's: ~ and its id. */
  name: string;
  /** A text: it's a bigint there. */
  revision: string;
  version: number;
  artifact: string;
  code: string;
  vendor: string;
  /** Empty: all of them. */
  methods: string[];
  timeoutMs: number;
  expiresAt: number | undefined;
}

/** Reached by a run alone, never by its path. */
export function isDraft(name: string): boolean {
  return name.startsWith("~");
}
