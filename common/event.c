/* SPDX-License-Identifier: Apache-2.0
 *
 * common/event.c - Names of the layers
 */
#include "common/event.h"

static const char *const names[] = {
	[EVENT_LAYER_NONE] = "none",
	[EVENT_LAYER_FUSEFS] = "fusefs",
	[EVENT_LAYER_OPEN] = "open",
	[EVENT_LAYER_EXEC] = "exec",
	[EVENT_LAYER_NETWORK] = "network",
	[EVENT_LAYER_UNIX] = "unix",
	[EVENT_LAYER_SESSION] = "session",
};
static_assert(ARRAY_SIZE(names) == EVENT_LAYER_COUNT, "names[] and enum event_layer differ");

const char *event_layer_name(enum event_layer l)
{
	return (unsigned)l < ARRAY_SIZE(names) ? names[l] : "?";
}
