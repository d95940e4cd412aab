// What the provider remembers, in memory and apart from it: a provider with other keys goes on with it.

// After which a payload is found by something else than its id.
const INDEXED = ['uid', 'userCode'];

/** An `adapter` of oidc-provider. Nothing runs out here: payloads carry their own `exp`. */
export class Store {
  #models = new Map();

  /** What is kept of a model, by id. */
  of(model) {
    if (!this.#models.has(model)) this.#models.set(model, new Map());
    return this.#models.get(model);
  }

  /** Forgets everything that came of a grant. */
  revoke(grantId) {
    for (const kept of this.#models.values()) {
      for (const [id, payload] of kept) if (payload.grantId === grantId) kept.delete(id);
    }
  }

  /** To be given to a provider. */
  adapter() {
    return (model) => {
      const kept = this.of(model);
      const by = async (name, value) => [...kept.values()].find((payload) => payload[name] === value);
      const [findByUid, findByUserCode] = INDEXED.map((name) => (value) => by(name, value));
      return {
        upsert: async (id, payload) => void kept.set(id, payload),
        find: async (id) => kept.get(id),
        findByUid,
        findByUserCode,
        consume: async (id) => {
          kept.get(id).consumed = Math.floor(Date.now() / 1000);
        },
        destroy: async (id) => void kept.delete(id),
        revokeByGrantId: async (grantId) => this.revoke(grantId),
      };
    };
  }
}
