/* SPDX-License-Identifier: Apache-2.0
 *
 * common/lacks.c - MODE=teeth: a kernel without one of its newer features
 */
#include "common/lacks.h"

#ifdef AGENTSH_TEETH

#include <stdlib.h>
#include <string.h>

bool lacks(const char *feature)
{
	const char *p = getenv("AGENTSH_TEETH_LACKS");
	size_t len = strlen(feature);

	for (; p && *p; p += strspn(p, ",")) {
		if (strncmp(p, feature, len) == 0 && (p[len] == '\0' || p[len] == ','))
			return true;
		p += strcspn(p, ",");
	}
	return false;
}

#endif /* AGENTSH_TEETH */
