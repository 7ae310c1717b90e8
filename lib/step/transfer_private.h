#ifndef ZR_TRANSFER_PRIVATE_H
#define ZR_TRANSFER_PRIVATE_H

#include "step/transfer.h"

/* What transfer.c and transfer_begin.c share. */

/* Give the receiver its request; it is started now unless it waits for that already. */
int	transfer_ask_receiver(struct transfer *transfer, int64_t now);

/* It has ended without its request, or was no use with it: as if it had never been. */
void	transfer_drop_side(struct transfer *transfer, int side);

void	transfer_close_stream(struct transfer *transfer);

#endif
