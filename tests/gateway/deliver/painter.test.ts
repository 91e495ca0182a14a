import { expect, test } from "bun:test";
import { createPainter } from "../../../src/gateway/deliver/painter.ts";
import { quietLog } from "../../support/store.ts";

test("shows what changed, and nothing any more once it is told to pause for good", async () => {
  let painted = 0;
  const painter = createPainter(1, async () => void painted++, quietLog());
  painter.touch();
  while (painted === 0) await Bun.sleep(1);
  painter.pause(Number.POSITIVE_INFINITY);
  for (let n = 0; n < 20; n++) {
    painter.touch();
    await Bun.sleep(1);
  }
  expect(painted).toBe(1);
  await painter.stop();
});
