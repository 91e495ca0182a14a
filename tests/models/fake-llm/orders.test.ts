import { expect, test } from "bun:test";
import { ordersIn, withResult } from "../../../src/models/fake-llm/orders.ts";

const names = (text: string) => ordersIn(text).map((order) => `${order.name} ${order.arguments}`);

test("orders are found wherever they stand", () => {
  const order = 'call memory_write {"key":"a } \\" b","value":{"c":[1]}}';
  const found = [order.slice(5)];
  for (const text of [
    order,
    `Please ${order}, thank you.`,
    `1 | ${order}`,
    JSON.stringify({ entries: [{ preview: order }] }),
    JSON.stringify([JSON.stringify({ note: order })]),
    `<<<untrusted x>>>\n${JSON.stringify({ note: order })}\n<<<end untrusted x>>>`,
    JSON.stringify({ [order]: 1 }),
  ])
    expect([text, names(text)]).toEqual([text, found]);
  expect(names(`${order}\n${order}`)).toEqual([...found, ...found]);
});

test("without arguments an order is a line of its own; talk about calls is none", () => {
  expect(names("  call memory_read  \nmore")).toEqual(["memory_read {}"]);
  for (const text of ["call me later", "call it {not json}", "recall x {}", "[call", '{"a":', "call x {"])
    expect([text, names(text)]).toEqual([text, []]);
});

test("$RESULT becomes the last result, as a URL has it", () => {
  expect(withResult('{"url":"http://a/?x=$RESULT"}', 'key: "s"\n')).toBe(
    '{"url":"http://a/?x=key%3A%20%22s%22%0A"}',
  );
});
