/*
 * replay.c - a main() that feeds a corpus to a fuzz target
 *
 * Each argument is a file or a folder of files.  Every file goes once through
 * LLVMFuzzerTestOneInput(), so that seeds and old crashes stay ordinary tests
 * under any compiler.  An empty corpus is an error: such a test proves nothing.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data;
	long size;

	if (file == NULL || fseek(file, 0, SEEK_END) != 0)
		goto fail;
	size = ftell(file);
	rewind(file);
	data = malloc(size > 0 ? (size_t)size : 1);
	if (data == NULL || fread(data, 1, (size_t)size, file) != (size_t)size)
		goto fail;
	fclose(file);
	LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
	return 1;
fail:
	perror(path);
	exit(1);
}

static int
replay(const char *path)
{
	struct dirent *entry;
	struct stat st;
	char name[4096];
	int fed = 0;
	DIR *dir;

	if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
		return replay_file(path);
	dir = opendir(path);
	if (dir == NULL) {
		perror(path);
		exit(1);
	}
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		fed += replay(name);
	}
	closedir(dir);
	return fed;
}

int
main(int argc, char **argv)
{
	int fed = 0;

	for (int i = 1; i < argc; i++)
		fed += replay(argv[i]);
	printf("%d inputs replayed\n", fed);
	return fed > 0 ? 0 : 1;
}
