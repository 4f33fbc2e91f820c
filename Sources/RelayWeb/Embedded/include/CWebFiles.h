#ifndef CWEBFILES_H
#define CWEBFILES_H

#include <stddef.h>

/// One file of the web client, in the memory of the program for as long as it runs.
struct web_file {
    /// Where it is served, from the root: `/app/main.js`.
    const char *path;
    const unsigned char *bytes;
    size_t length;
};

/// How many there are.
size_t web_file_count(void);

/// The file at `index`, which is less than the count.
struct web_file web_file_at(size_t index);

#endif
