import { type Method, Refusal } from "./contract.ts";

/** A file that the server keeps. */
export interface StoredMedia {
  bytes: Uint8Array;
  mediaType: string;
  name: string;
  kind: string;
}

/** The files of a server. */
export interface Media {
  /** Returns the `media_id`. */
  add(media: Partial<StoredMedia> & { bytes: Uint8Array }): string;
  find(id: string): StoredMedia | undefined;
  /** `media/get` */
  readonly get: Method;
  /** `media/upload`, with the body of the call. */
  upload(request: Request, kind: string): Promise<Record<string, unknown>>;
}

export function createMedia(): Media {
  const store = new Map<string, StoredMedia>();
  const add: Media["add"] = (media) => {
    const id = `MEDIA_${store.size + 1}`;
    const rest = { mediaType: "application/octet-stream", name: `file-${store.size}`, kind: "file" };
    store.set(id, { ...rest, ...media });
    return id;
  };
  return {
    add,
    find: (id) => store.get(id),
    get({ query }) {
      const media = store.get(query["media_id"] ?? "");
      if (media === undefined) throw new Refusal(40007);
      const disposition = `attachment; filename="${Buffer.from(media.name).toString("latin1")}"`;
      return new Response(media.bytes as Uint8Array<ArrayBuffer>, {
        headers: { "content-type": media.mediaType, "content-disposition": disposition },
      });
    },
    async upload(request, kind) {
      const media = (await request.formData()).get("media");
      if (!(media instanceof Blob)) throw new Refusal(41005);
      const bytes = new Uint8Array(await media.arrayBuffer());
      if (bytes.length < 5) throw new Refusal(40006);
      const name = (media as { name?: string }).name ?? "";
      const id = add({ bytes, kind, name, mediaType: media.type });
      return { errcode: 0, errmsg: "ok", type: kind, media_id: id, created_at: "1380000000" };
    },
  };
}
