// DEFLATE without a container: what permessage-deflate puts into frames.
#include <zlib.h>
