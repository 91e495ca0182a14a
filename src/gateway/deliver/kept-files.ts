import { constants } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { AppError } from "../../lib/errors.ts";
import { type OutboundFile, PlatformError } from "../../platforms/contract.ts";
import { mediaTypeOf } from "../../tools/file/kinds.ts";

/** A file that was copied for a delivery, as the outbox has it. */
export interface KeptFile {
  /** As the sender's file is called; the copy has a name of its own. */
  name: string;
  mediaType: string;
  sizeBytes: number;
}

/**
 * Copies of the files of deliveries, below Hermes's home, for its own user only. A copy is there until its message is sent, and for
 * as long as the message can be tried again.
 */
export interface KeptFiles {
  /**
   * Copies files, in order, or none of them. Rejects with `usage` for one that is not there, cannot be read, is no file, is empty,
   * or of which `refuses` says why it cannot be sent; no copy is begun before all of them are known to be right.
   */
  keep(
    deliveryId: string,
    paths: readonly string[],
    refuses: (file: { name: string; sizeBytes: number }) => string | null,
  ): Promise<KeptFile[]>;
  /** Rejects with a `PlatformError` of the kind `refused` when the copy is not there any more. */
  open(deliveryId: string, index: number, file: KeptFile): Promise<OutboundFile>;
  drop(deliveryId: string): Promise<void>;
  /** Drops what a process that died has left: the copies of deliveries that `isOpen` is false for, or null for unknown ones. */
  sweep(isOpen: (deliveryId: string) => Promise<boolean | null>): Promise<void>;
}

const DIRECTORY = "outbox";
const OWN = /^dlv_[\w-]+$/;
const HEAD_BYTES = 4_096;
const CHUNK_BYTES = 1024 * 1024;
/** What is younger may be about to be put into the outbox. */
const UNKNOWN_MS = 3_600_000;

/** The files of a home. `now` gives milliseconds since the epoch. */
export function createKeptFiles(home: string, now: () => number = Date.now): KeptFiles {
  const all = join(home, DIRECTORY);
  const directoryOf = (deliveryId: string) => join(all, deliveryId);
  const drop = (deliveryId: string) => rm(directoryOf(deliveryId), { recursive: true, force: true });

  return {
    async keep(deliveryId, paths, refuses) {
      const sources: Source[] = [];
      try {
        for (const path of paths) sources.push(await openSource(path, refuses));
        await mkdir(directoryOf(deliveryId), { recursive: true, mode: 0o700 });
        const kept: KeptFile[] = [];
        for (const [index, source] of sources.entries())
          kept.push(await copy(source, join(directoryOf(deliveryId), String(index))));
        return kept;
      } catch (error) {
        await drop(deliveryId);
        throw error;
      } finally {
        await Promise.all(sources.map(({ handle }) => handle.close()));
      }
    },
    async open(deliveryId, index, { name, mediaType }) {
      const bytes = await Bun.file(join(directoryOf(deliveryId), String(index)))
        .bytes()
        .catch((cause: unknown) => {
          throw new PlatformError("refused", `The copy of ${name} is not there any more.`, {
            hint: "Send it anew.",
            cause,
          });
        });
      return { name, mediaType, bytes };
    },
    drop,
    async sweep(isOpen) {
      const names = await readdir(all).catch(() => []); // nothing was ever kept
      for (const id of names.filter((name) => OWN.test(name))) {
        const { mtimeMs } = await stat(directoryOf(id));
        const open = (await isOpen(id)) ?? now() - mtimeMs < UNKNOWN_MS;
        if (!open) await drop(id);
      }
    },
  };
}

/** A file that somebody wants to be sent, open for reading. */
interface Source {
  path: string;
  name: string;
  handle: FileHandle;
  sizeBytes: number;
}

async function openSource(path: string, refuses: Parameters<KeptFiles["keep"]>[2]): Promise<Source> {
  // Without waiting for somebody who writes to a pipe.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw cannotBeRead(path, cause);
  });
  try {
    const status = await handle.stat();
    const source = { path, name: basename(path), handle, sizeBytes: status.size };
    if (!status.isFile()) throw new AppError("usage", `${path} is no regular file.`);
    const problem = source.sizeBytes === 0 ? `${source.name} is empty.` : refuses(source);
    if (problem !== null) throw new AppError("usage", problem, { hint: "Nothing was sent." });
    return source;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function cannotBeRead(path: string, cause: unknown): AppError {
  const isMissing = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
  return new AppError("usage", isMissing ? `There is no file ${path}.` : `${path} cannot be read.`, {
    hint: "Nothing was sent.",
    cause,
  });
}

/** On disk before it resolves. What the file grows by meanwhile is left out. */
async function copy({ path, name, handle, sizeBytes }: Source, to: string): Promise<KeptFile> {
  const target = await open(to, "wx", 0o600);
  try {
    const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, sizeBytes));
    let mediaType = "";
    for (let at = 0; at < sizeBytes; ) {
      const { bytesRead } = await handle.read(chunk, 0, Math.min(chunk.length, sizeBytes - at), at);
      if (bytesRead === 0) throw new AppError("usage", `${path} became shorter while it was read.`);
      if (at === 0) mediaType = mediaTypeOf(chunk.subarray(0, Math.min(bytesRead, HEAD_BYTES)), name);
      await target.write(chunk, 0, bytesRead, at);
      at += bytesRead;
    }
    await target.sync();
    return { name, mediaType, sizeBytes };
  } finally {
    await target.close();
  }
}
