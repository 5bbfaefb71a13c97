/** Input that the specification calls an error. `id` is one of section 6.3, or `value` (section 20.1). */
export class Invalid extends Error {
  constructor(id, detail = id) {
    super(detail);
    this.id = id;
  }
}
