/** A function as the gateway's database has it. */
export interface Published {
  stage: string;
  /** Without its stage; of a draft, see names.ts. */
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
