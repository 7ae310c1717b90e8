#ifndef ZR_CORE_H
#define ZR_CORE_H

/* The programs of a chain, which are names of one file (program.h). */
int	connect_main(int argc, char *argv[]);
int	dataconn_main(int argc, char *argv[]);
int	endpoint_main(int argc, char *argv[]);
int	handshake_main(int argc, char *argv[]);
int	mux_main(int argc, char *argv[]);
int	remote_main(int argc, char *argv[]);
int	replicate_main(int argc, char *argv[]);
int	rpc_main(int argc, char *argv[]);
int	serve_main(int argc, char *argv[]);
int	ssh_connect_main(int argc, char *argv[]);
int	step_main(int argc, char *argv[]);
int	stdinserver_main(int argc, char *argv[]);

#endif
