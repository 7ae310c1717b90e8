#ifndef ZR_TRANSFER_PRIVATE_H
#define ZR_TRANSFER_PRIVATE_H

#include "step/transfer.h"

/* What transfer.c and transfer_begin.c share. */

/*
 * Give a side its request, which is started now unless it waits for it already.  The
 * sender's pipe is the transfer's until it has answered; the rest of the stream is then
 * the input of the receiver.
 */
int	transfer_ask_sender(struct transfer *transfer, struct error *error);
int	transfer_ask_receiver(struct transfer *transfer, int64_t now);

/* It has ended without its request, or was no use with it: as if it had never been. */
void	transfer_drop_side(struct transfer *transfer, int side);

void	transfer_close_stream(struct transfer *transfer);

#endif
