import { Type } from "typebox";

export const closed = { additionalProperties: false } as const;

/** A path as callers write it. Every field that is one is made here; all of them go through the locator. */
export const pathField = (description?: string) =>
  Type.String({ minLength: 1, maxLength: 4096, ...(description === undefined ? {} : { description }) });

/** As `pathField`, where nothing stands for the first root. */
export const directoryField = (description: string) =>
  Type.Optional(Type.String({ maxLength: 4096, description }));

/** What every answer that gives out a list page by page says of the rest. */
export const restFields = {
  truncated: Type.Boolean(),
  next_cursor: Type.Optional(Type.String()),
  unreadable: Type.Optional(Type.Integer()),
};
