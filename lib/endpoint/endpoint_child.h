#ifndef ZR_ENDPOINT_CHILD_H
#define ZR_ENDPOINT_CHILD_H

#include <stdbool.h>

#include "base/error.h"
#include "base/process.h"

/*
 * Start a child that runs our own code without any exec, in a process group of its own:
 * it exits with what run(context) returns.  Its standard input is empty and its standard
 * output a pipe; so is its standard error, if errors is set, which otherwise is ours.
 * Our ends of the pipes are in *process, non-blocking.
 */
int	endpoint_child_start(struct process *process, bool errors,
	    int (*run)(const void *context), const void *context,
	    struct error *error);

#endif
