import type { Message, MessageOrigin } from "grammy/types";

/** In a few words what a message holds besides text and files, as the model reads it; null for nothing. */
export function describe(message: Message): string | null {
  const { venue, location, contact, poll, dice, sticker } = message;
  if (venue) return `[venue: ${venue.title}, ${venue.address} (${placeOf(venue.location)})]`;
  if (location) return `[location: ${placeOf(location)}]`;
  if (contact) return `[contact: ${nameOf(contact)}, ${contact.phone_number}]`;
  if (poll) return `[poll: ${poll.question} ${poll.options.map(({ text }) => `- ${text}`).join(" ")}]`;
  if (dice) return `[${dice.emoji}: ${dice.value}]`;
  if (sticker && (sticker.is_animated || sticker.is_video)) return `[sticker: ${sticker.emoji ?? "?"}]`;
  return null;
}

/** From whom a message was forwarded; null for one that was not. */
export function forwardedFrom(origin: MessageOrigin | undefined): string | null {
  switch (origin?.type) {
    case "user":
      return nameOf(origin.sender_user);
    case "hidden_user":
      return origin.sender_user_name;
    case "chat":
      return origin.sender_chat.title ?? "a chat";
    case "channel":
      return origin.chat.title;
    default:
      return null;
  }
}

/** The name of a person as Telegram shows it. */
export function nameOf(person: { first_name: string; last_name?: string }): string {
  return [person.first_name, person.last_name].filter((part) => part).join(" ");
}

function placeOf({ latitude, longitude }: { latitude: number; longitude: number }): string {
  return `${latitude}, ${longitude}`;
}
