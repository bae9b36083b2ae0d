/* SPDX-License-Identifier: BSD-3-Clause */
#include "source/headscale/map_frames.h"

#include <errno.h>
#include <string.h>
#include <zstd.h>

#include "base/bytes.h"

enum { LENGTH_BYTES = 4 };

int
map_frames_init(struct map_frames *f)
{
	text_init(&f->in);
	text_init(&f->json);
	f->zstd = ZSTD_createDCtx();
	return f->zstd ? 0 : -ENOMEM;
}

void
map_frames_fini(struct map_frames *f)
{
	text_fini(&f->in);
	text_fini(&f->json);
	ZSTD_freeDCtx(f->zstd);
	f->zstd = NULL;
}

int
map_frames_feed(struct map_frames *f, const void *data, size_t n_bytes, struct err *err)
{
	text_add_bytes(&f->in, data, n_bytes);
	if (f->in.failed)
		return err_set(err, -ENOMEM, "no memory for the server's map");
	if (f->in.n_bytes >= LENGTH_BYTES && load_le32(f->in.data) > MAP_MAX_PACKED_BYTES)
		return err_set(err, -EMSGSIZE, "the server sends a map of more than %d MiB",
			MAP_MAX_PACKED_BYTES >> 20);
	return 0;
}

/* What a buffer of a large map grew to is not kept for the small ones that follow. */
static void
empty(struct text *t)
{
	enum { KEPT_BYTES = 1 << 20 };
	if (t->room_bytes > KEPT_BYTES) {
		text_fini(t);
		text_init(t);
	}
	t->n_bytes = 0;
}

/* One frame and nothing behind it. */
static int
unpack(struct map_frames *f, const void *packed, size_t n_packed, struct err *err)
{
	ZSTD_inBuffer in = {packed, n_packed, 0};
	size_t left = 1;
	ZSTD_DCtx_reset(f->zstd, ZSTD_reset_session_only);
	empty(&f->json);
	while (left) {
		size_t n = ZSTD_DStreamOutSize(), before = in.pos;
		char *room = f->json.n_bytes < MAP_MAX_BYTES ? text_room(&f->json, n) : NULL;
		if (!room)
			return err_set(err, -EMSGSIZE, "the server's map is too large");
		ZSTD_outBuffer out = {room, n, 0};
		left = ZSTD_decompressStream(f->zstd, &out, &in);
		if (ZSTD_isError(left))
			return err_set(err, -EBADMSG, "the server's map does not unpack: %s",
				ZSTD_getErrorName(left));
		text_grew(&f->json, out.pos);
		if (left && in.pos == before && out.pos == 0)
			return err_set(err, -EBADMSG, "the server's map is cut off");
	}
	return in.pos == in.size ? 0 :
		err_set(err, -EBADMSG, "something follows the server's map");
}

int
map_frames_next(struct map_frames *f, struct err *err)
{
	if (f->in.n_bytes < LENGTH_BYTES)
		return 0;
	size_t n_packed = load_le32(f->in.data);
	if (n_packed > MAP_MAX_PACKED_BYTES)
		return err_set(err, -EMSGSIZE, "the server sends a map of more than %d MiB",
			MAP_MAX_PACKED_BYTES >> 20);
	if (f->in.n_bytes - LENGTH_BYTES < n_packed)
		return 0;
	int rc = unpack(f, f->in.data + LENGTH_BYTES, n_packed, err);
	size_t n_done = LENGTH_BYTES + n_packed, n_left = f->in.n_bytes - n_done;
	memmove(f->in.data, f->in.data + n_done, n_left);
	f->in.n_bytes = n_left;
	if (n_left == 0)
		empty(&f->in);
	return rc ? rc : 1;
}
