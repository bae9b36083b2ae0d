/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
err_set(struct err *err, int code, const char *format, ...)
{
	if (!err)
		return code;
	va_list ap;
	va_start(ap, format);
	vsnprintf(err->text, sizeof(err->text), format, ap);
	va_end(ap);
	return code;
}

int
err_prefix(struct err *err, int code, const char *format, ...)
{
	if (!err)
		return code;
	char was[sizeof(err->text)];
	memcpy(was, err->text, sizeof(was));
	va_list ap;
	va_start(ap, format);
	int n = vsnprintf(err->text, sizeof(err->text), format, ap);
	va_end(ap);
	size_t at = n < 0 ? 0 : (size_t)n;
	if (at + 3 < sizeof(err->text)) {
		memcpy(err->text + at, ": ", 2);
		memccpy(err->text + at + 2, was, 0, sizeof(err->text) - at - 2);
		err->text[sizeof(err->text) - 1] = 0;
	}
	return code;
}
