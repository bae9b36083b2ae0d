/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The body of the map stream, cut into messages: a length in little endian, then a zstd frame of
 * JSON. Both sides of the compression have a cap.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "source/text.h"

enum {
	MAP_MAX_PACKED_BYTES = 64 << 20,
	MAP_MAX_BYTES = 512 << 20,
};

struct map_frames {
	struct text in;   /* of a message that is not whole yet */
	struct text json;
	void *zstd;       /* the decompressor */
};

/* 0 or -ENOMEM. */
int map_frames_init(struct map_frames *f);
void map_frames_fini(struct map_frames *f);
/* A piece of the body. 0, -EMSGSIZE (a message past the cap) or -ENOMEM, with a sentence. */
int map_frames_feed(struct map_frames *f, const void *data, size_t n_bytes, struct err *err);
/*
 * 1: the next message stands in f->json, until the next call; 0: no more is whole; or -EBADMSG,
 * -EMSGSIZE, -ENOMEM with a sentence.
 */
int map_frames_next(struct map_frames *f, struct err *err);
