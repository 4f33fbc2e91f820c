/* What an archiver cannot do without: XRANGE of every room's stream in pages, one JSON line an entry, appended to one
 * file a room and synced once a page, and the cursor written back. No claims, no gaps, no manifests, no recovery.
 *
 * floor URL-PORT DIRECTORY PAGE: drains all rooms of chat:rooms, and prints the lines and the seconds. */
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char *line_end(char *out, const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte == '"' || byte == '\\') {
            *out++ = '\\';
            *out++ = (char)byte;
        } else if (byte < 0x20) {
            out += sprintf(out, "\\u%04x", byte);
        } else {
            *out++ = (char)byte;
        }
    }
    return out;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: floor PORT DIRECTORY PAGE\n");
        return 64;
    }
    redisContext *redis = redisConnect("127.0.0.1", atoi(argv[1]));
    if (!redis || redis->err) fail("redis");
    double start = now();
    long lines = 0;
    redisReply *rooms = redisCommand(redis, "ZRANGE chat:rooms 0 -1");
    static char buffer[16 << 20];
    for (size_t r = 0; rooms && r < rooms->elements; r++) {
        const char *room = rooms->element[r]->str;
        char path[4096], last[64] = "-";
        snprintf(path, sizeof path, "%s/%s", argv[2], room);
        mkdir(path, 0777);
        snprintf(path, sizeof path, "%s/%s/day.jsonl", argv[2], room);
        int file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
        if (file < 0) fail(path);
        for (;;) {
            redisReply *page = redisCommand(redis, "XRANGE chat:{%s}:stream %s + COUNT %s", room, last, argv[3]);
            if (!page || page->type != REDIS_REPLY_ARRAY) fail("XRANGE");
            if (page->elements == 0) {
                freeReplyObject(page);
                break;
            }
            char *out = buffer;
            const char *id = "", *seq = "";
            for (size_t e = 0; e < page->elements; e++) {
                redisReply *entry = page->element[e], *fields = entry->element[1];
                id = entry->element[0]->str;
                seq = fields->element[1]->str;
                out += sprintf(out, "{\"id\":\"%s\",\"seq\":%s,\"ts\":%.*s,\"room\":\"%s\"", id, seq,
                               (int)strcspn(id, "-"), id, room);
                for (size_t f = 2; f + 1 < fields->elements; f += 2) {
                    out += sprintf(out, ",\"%s\":\"", fields->element[f]->str);
                    out = line_end(out, fields->element[f + 1]->str, fields->element[f + 1]->len);
                    *out++ = '"';
                }
                *out++ = '}';
                *out++ = '\n';
                lines++;
            }
            if (write(file, buffer, (size_t)(out - buffer)) != out - buffer || fsync(file) != 0) fail("write");
            snprintf(last, sizeof last, "(%s", id);
            redisReply *done = redisCommand(redis, "HSET chat:{%s}:meta floor_id %s floor_seq %s", room, id, seq);
            freeReplyObject(done);
            size_t count = page->elements;
            freeReplyObject(page);
            if (count < (size_t)atol(argv[3])) break;
        }
        close(file);
    }
    printf("%ld lines in %.3f s\n", lines, now() - start);
    return 0;
}
