/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * crypto-choice [NAME]: which AEAD backends this machine supports, which is chosen and why, or
 * whether NAME can be forced. A line each, for choice.sh, which shows it other machines.
 */
#include <stdio.h>

#include "crypto/aead_choose.h"
#include "crypto/init.h"

int
main(int argc, char **argv)
{
	struct aead_wish wish = {.name = argc > 1 ? argv[1] : NULL, .by = "the command line"};
	struct aead_choice choice;
	struct err err;

	if (crypto_init(&err) == 0 && aead_choose(&wish, &choice, &err) == 0) {
		for (unsigned i = 0; aead_backends[i]; i++)
			printf("%s %s\n", aead_backends[i]->is_supported() ? "has" : "lacks",
				aead_backends[i]->name);
		printf("chosen %s\nwhy %s\nsecond %s\nwhy %s\n", choice.backend->name, choice.why,
			choice.second.backend ? choice.second.backend->name : "none",
			choice.second_why);
		return 0;
	}
	printf("refused %s\n", err.text);
	return 1;
}
