/* SPDX-License-Identifier: Apache-2.0
 *
 * common/lacks.h - MODE=teeth: a kernel without one of its newer features
 *
 * AGENTSH_TEETH_LACKS names them, comma separated: "landlock-net", "scopes",
 * "sync-wake-up", "pidfd-thread". In every other build nothing is lacking that
 * the kernel has, and the switch does not exist.
 */
#ifndef COMMON_LACKS_H
#define COMMON_LACKS_H

#include <stdbool.h>

#ifdef AGENTSH_TEETH
/** lacks() - Is the kernel to be treated as one without @feature? */
bool lacks(const char *feature);
#else
static inline bool lacks(const char *feature)
{
	(void)feature;
	return false;
}
#endif

/** lacks_abi() - Landlock's ABI as the kernel told it, lowered to what is not lacking */
static inline long lacks_abi(long abi)
{
	if (abi > 3 && lacks("landlock-net"))
		return 3;
	return abi > 5 && lacks("scopes") ? 5 : abi;
}

#endif /* COMMON_LACKS_H */
