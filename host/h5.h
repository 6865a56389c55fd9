/* The few HDF5 operations that results need, with errors as statuses. */
#ifndef NL_H5_H
#define NL_H5_H

#include <hdf5.h>
#include <stdbool.h>

#include "nanolase/error.h"

enum { NL_H5_MAX_RANK = 12 };

/* A dataset to write: its place, text attributes, shape and the scales of its dimensions. */
typedef struct nl_h5_dataset {
    const char *name, *units, *description;
    int rank;
    hsize_t shape[NL_H5_MAX_RANK];
    hid_t scale[NL_H5_MAX_RANK]; /* dimension scale datasets; below 0: none */
} nl_h5_dataset;

/* Opens an HDF5 file for reading, quietly; below 0 for what is none. A pipe would be waited for, and is none. The
 * caller closes. */
hid_t nl_h5_open(const char *path);
/* h5py's complex: compound {r, i} of doubles. The caller closes. */
hid_t nl_h5_complex_type(void);
/* A group whose links keep the order in which they were made; below 0 on failure. The caller closes. */
hid_t nl_h5_new_group(hid_t file, const char *name);
/* A file made in memory, so that the disk is met by calls whose errors are the system's. The caller frees `bytes`. */
typedef struct nl_h5_image {
    void *bytes;
    size_t size;
} nl_h5_image;
hid_t nl_h5_new_image(nl_h5_image *); /* below 0 on failure; the image stays where it is until it is finished */
/* Closes the file; true where the image is whole. */
bool nl_h5_finish_image(hid_t file, nl_h5_image *);
/* Checksums are kept of all data and of what describes it. Writes `data` of memory type `type`; returns the open
 * dataset, or below 0. */
hid_t nl_h5_write(hid_t group, const nl_h5_dataset *, hid_t type, const void *data);
/* Writes a one-dimensional dataset as a dimension scale; returns it open, or below 0. */
hid_t nl_h5_write_scale(hid_t group, const nl_h5_dataset *, const double *data);
bool nl_h5_write_text(hid_t object, const char *name, const char *text);
bool nl_h5_write_int(hid_t object, const char *name, int value);
/* Reads a whole dataset of exactly `count` elements; into a complex type only r and i that are there. */
bool nl_h5_read(hid_t group, const char *name, hid_t type, size_t count, void *data);
/* Elements of a dataset; 0 where there is none, or more are claimed than the file can hold. */
size_t nl_h5_count(hid_t group, const char *name);
bool nl_h5_is_complex(hid_t group, const char *name);
/* Stops HDF5 from printing its own error stack. */
void nl_h5_quiet(void);

#endif
