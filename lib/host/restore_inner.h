/* SPDX-License-Identifier: BSD-3-Clause */
/* What restore.c (steps), restore_text.c (lines) and restore_file.c (the file) share. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "host/restore.h"

enum {
	RESTORE_FILE_NAME_BYTES = 64,
	RESTORE_FILE_MAX_BYTES = 32 << 20,
};

/* ---- restore_text.c: a step as a line, a process as the first line ---- */

/* Who wrote a file: a living process of that number and start is told from a later one. */
struct restore_process {
	uint32_t pid;
	uint64_t start_ticks; /* since boot, as /proc/PID/stat has it */
	uint64_t netns[2];    /* device and inode of its network namespace */
	char boot_id[40];
};

/* A line with its newline, the caller's to free; NULL without memory. */
char *restore_header_format(const struct restore_process *p);
char *restore_line_format(const struct restore_step *s);
/* Makes "?? ???????? BODY" a live step's line with a right checksum; for a fuzzer. */
void restore_line_sign(char *line);
/*
 * The line must end with a zero in place of its newline and is changed; what out points to stands
 * in it, but for the message, which needs the alignment of aligned. 0, or -EBADMSG with what is
 * wrong with it. All that a step may hold is checked here.
 */
int restore_header_parse(char *line, struct restore_process *out, struct err *err);
int restore_line_parse(char *line, struct restore_step *out, bool *is_live,
	uint8_t aligned[RESTORE_MESSAGE_BYTES], struct err *err);
/* Why a step cannot be noted, as "the value is too long"; NULL when it is sound. */
const char *restore_step_fault(const struct restore_step *s);

/* ---- restore_file.c: the file of a process ---- */

struct restore_file {
	int dir_fd;
	int fd; /* -1: not made yet */
	char directory[108];
	char name[RESTORE_FILE_NAME_BYTES];
	off_t end;
};

int restore_file_open(struct restore_file *f, const char *directory, struct err *err);
/* Makes the file if need be, locks it for the life of the process, adds a line. */
int restore_file_add(struct restore_file *f, const char *line, off_t *at, struct err *err);
/* The step at that place is undone. */
void restore_file_mark(struct restore_file *f, off_t at);
/* There is no step left: the file goes. */
void restore_file_remove(struct restore_file *f);
void restore_file_close(struct restore_file *f);
/* This process as the header has it. */
int restore_process_self(struct restore_process *out, struct err *err);

/* ---- restore.c ---- */

/* The steps of a file's text (n_bytes and a zero), with the places where they stand; f may be
 * NULL. NULL with a sentence when anything is wrong: then nothing of it may be undone. */
struct restore *restore_parse(char *text, size_t n_bytes, struct restore_process *process,
	struct err *err);
/* Gives the steps their file, which they own from then on. */
void restore_set_file(struct restore *r, const struct restore_file *f);
void restore_set_listener(struct restore *r, const struct restore_listener *listener);
/* Says each step as it would be undone. */
void restore_tell(const struct restore *r);
