// The reader and the command formatter of hiredis 0.14; the sockets are SwiftNIO's.
#include <hiredis/hiredis.h>
