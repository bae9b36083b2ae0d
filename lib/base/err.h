/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Errors of control code. A function that can fail returns 0 or a negative errno and, where a
 * person will read of it, takes a struct err and writes one sentence there: what failed, where,
 * and what to do about it. Data-path code uses verdicts instead, never both in one function.
 */
#pragma once

struct err {
	char text[512];
};

/*
 * Writes the sentence (printf-like) and returns code, so that `return err_set(err, -EINVAL, …)`
 * reads straight. err may be NULL. Keeps the first 511 bytes.
 */
int err_set(struct err *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the sentence that stands there, as an error travels up. Returns code. */
int err_prefix(struct err *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
