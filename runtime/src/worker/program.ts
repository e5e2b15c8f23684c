/** The text of a worker's program. The bundle has it in the place of this file, which nothing ever runs. */
declare const program: string;
export default program;
