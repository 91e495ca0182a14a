/**
 * What a message of ours is, which decides how it can be changed: a card that stands in the message itself; a card of its own that
 * the message shows, known by its id; a rich text; a file.
 */
export type Form =
  | { type: "card" }
  | { type: "growing"; cardId: string }
  | { type: "post" }
  | { type: "file" };

/** A message of ours. */
export interface SentMessage {
  messageId: string;
  form: Form;
}

/** As `Sent.messageId` has it, so that a later process knows the form too. */
export function toSentId({ messageId, form }: SentMessage): string {
  if (form.type === "card") return messageId;
  return `${messageId}/${form.type === "growing" ? form.cardId : form.type}`;
}

/** What an id of `toSentId` names. */
export function fromSentId(sentId: string): SentMessage {
  const [messageId = "", form = ""] = sentId.split("/");
  if (form === "") return { messageId, form: { type: "card" } };
  return {
    messageId,
    form: form === "post" || form === "file" ? { type: form } : { type: "growing", cardId: form },
  };
}
