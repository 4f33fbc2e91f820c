// What glibc 2.34 and newer has beyond POSIX, and shows only to programs that ask for its extensions, which Swift's
// module of glibc does not.
#include <spawn.h>

// Closes every descriptor from this one on, in the program that is started (glibc manual, "Process Creation").
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *, int);
