#ifndef ZR_PROGRAM_H
#define ZR_PROGRAM_H

/*
 * Programs that are names of one file.  Where one of them executes another, as a chain
 * does at each of its steps, it goes on as that program in the same process: execve(2)
 * and loading the same libraries again would take longer than what the program does.
 *
 * Nobody can tell but by that: the name is looked for in PATH as execvp(3) does, and only
 * if it leads to our own file is there no execve(2); and what that does besides is done.
 */
struct program {
	const char *name;
	int (*main)(int argc, char *argv[]);
};

/*
 * main() of the file: be the program of this list that argv[0] names.  The end of the
 * list has no name.
 */
int	program_main(const struct program *programs, int argc, char *argv[]);

/*
 * Call this whenever a program goes on as another one: for what keeps descriptors, or
 * hooks, in variables of its own, which execve(2) would have reset.  A function that is
 * given twice is called once.
 */
void	program_at_exec(void (*forget)(void));

/*
 * execvp(3) of argv[0], after signals_restore(): comes back, with errno, only if that
 * fails.
 */
void	program_exec(char *const argv[]);

#endif
