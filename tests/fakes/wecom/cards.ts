/** For what a card must not be like. */
const INVALID = 40058;

/** Cards with buttons, each of which has a `task_id` of its own. */
export interface Cards {
  /** What people see of a card; the number of an error for one that is none, or is there already. */
  take(card: unknown): string | number;
}

/** https://developer.work.weixin.qq.com/document/path/101032 */
export function createCards(): Cards {
  const known = new Set<string>();
  return {
    take(card) {
      const {
        card_type: type,
        main_title,
        button_list: buttons = [],
        task_id: id = "",
      } = (card ?? {}) as Card;
      const keys = buttons.map(({ key }) => key ?? "");
      const areKeys = new Set(keys).size === keys.length && keys.every((key) => /^.{1,1024}$/.test(key));
      const isRight = type === "button_interaction" && main_title?.title && areKeys;
      if (!isRight || buttons.length < 1 || buttons.length > 6 || !buttons.every(({ text }) => text))
        return INVALID;
      if (!/^[\w@-]{1,128}$/.test(id) || known.has(id)) return INVALID;
      known.add(id);
      return [main_title.title, ...buttons.map(({ text }) => `[${text}]`)].join(" ");
    },
  };
}

interface Card {
  card_type?: string;
  main_title?: { title?: string };
  button_list?: { text?: string; key?: string }[];
  task_id?: string;
}
