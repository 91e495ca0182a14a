/** Does tasks of one key one after another, in the order in which they came. */
export type InOrder = <T>(key: string, task: () => Promise<T>) => Promise<T>;

/** Keys that have nothing to do are forgotten. */
export function createInOrder(): InOrder {
  const tails = new Map<string, Promise<unknown>>();
  return (key, task) => {
    const before = tails.get(key);
    const result = before === undefined ? task() : before.then(task, task);
    tails.set(key, result);
    const forget = () => {
      if (tails.get(key) === result) tails.delete(key);
    };
    result.then(forget, forget);
    return result;
  };
}
