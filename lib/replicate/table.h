#ifndef ZR_TABLE_H
#define ZR_TABLE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What is under way, drawn on the terminal that is standard error: a line for each
 * running step, one for those that wait, one with the totals.  Never more lines than
 * the terminal has, and none wider, so that nothing wraps or scrolls.
 */
#define TABLE_MS 500		/* between two drawings */

struct replication;

/* False: standard error is no terminal, and nothing will be drawn. */
bool	table_open(void);

void	table_draw(const struct replication *replication, int64_t now);

/* Take it off the screen; the cursor is where it began. */
void	table_clear(void);

#endif
