/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libbpf and libxdp, loaded by DPDK's AF_XDP driver, write to stderr as they like. Their lines
 * go through our log instead, as debug. Neither is linked: where the driver is not there, nor
 * are they, and there is nothing to do.
 */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"
#include "port/port.h"

/* libbpf_print_fn_t and libxdp_print_fn_t: the level, a format and its values. */
typedef int print_fn(int level, const char *format, va_list ap);
typedef print_fn *set_print_fn(print_fn *fn);

static int
print_to_log(int level, const char *format, va_list ap)
{
	char line[512];
	int n = vsnprintf(line, sizeof(line), format, ap);
	line[strcspn(line, "\n")] = 0;
	log_debug("%s", line);
	return n;
}

void
port_quiet_xdp(void)
{
	static const struct {
		const char *library, *symbol;
	} rows[] = {
		{"libbpf.so.1", "libbpf_set_print"},
		{"libxdp.so.1", "libxdp_set_print"},
	};
	for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
		void *library = dlopen(rows[i].library, RTLD_LAZY | RTLD_NOLOAD);
		set_print_fn *set_print;
		if (!library)
			continue;
		*(void **)&set_print = dlsym(library, rows[i].symbol);
		if (set_print)
			set_print(print_to_log);
		/* Kept: the library calls back into this program as long as the driver lives. */
	}
}
