#include "h5.h"

#include <hdf5_hl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

hid_t nl_h5_complex_type(void)
{
    hid_t type = H5Tcreate(H5T_COMPOUND, 2 * sizeof(double));
    H5Tinsert(type, "r", 0, H5T_NATIVE_DOUBLE);
    H5Tinsert(type, "i", sizeof(double), H5T_NATIVE_DOUBLE);
    return type;
}

hid_t nl_h5_new_group(hid_t file, const char *name)
{
    hid_t properties = H5Pcreate(H5P_GROUP_CREATE);
    H5Pset_link_creation_order(properties, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    hid_t group = H5Gcreate2(file, name, H5P_DEFAULT, properties, H5P_DEFAULT);
    H5Pclose(properties);
    return group;
}

bool nl_h5_write_text(hid_t object, const char *name, const char *text)
{
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, H5T_VARIABLE); /* any length, and a str in h5py */
    H5Tset_cset(type, H5T_CSET_UTF8);
    hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    const bool ok = attribute >= 0 && H5Awrite(attribute, type, &text) >= 0;
    if (attribute >= 0)
        H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
    return ok;
}

bool nl_h5_write_int(hid_t object, const char *name, int value)
{
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(object, name, H5T_NATIVE_INT, space, H5P_DEFAULT, H5P_DEFAULT);
    const bool ok = attribute >= 0 && H5Awrite(attribute, H5T_NATIVE_INT, &value) >= 0;
    if (attribute >= 0)
        H5Aclose(attribute);
    H5Sclose(space);
    return ok;
}

/* ---- files in memory ---- */

static void *image_malloc(size_t size, H5FD_file_image_op_t operation, void *user)
{
    (void)operation;
    nl_h5_image *image = user;
    return image->bytes = malloc(size);
}

static void *image_realloc(void *bytes, size_t size, H5FD_file_image_op_t operation, void *user)
{
    (void)operation;
    nl_h5_image *image = user;
    void *grown = realloc(bytes, size);
    if (grown)
        image->bytes = grown;
    return grown;
}

/* Closing a file does not end its image. */
static herr_t image_free(void *bytes, H5FD_file_image_op_t operation, void *user)
{
    (void)bytes;
    (void)operation;
    (void)user;
    return 0;
}

static void *image_copy(void *user)
{
    return user;
}

static herr_t image_forget(void *user)
{
    (void)user;
    return 0;
}

hid_t nl_h5_new_image(nl_h5_image *image)
{
    const size_t increment = 1 << 16;
    H5FD_file_image_callbacks_t calls = {image_malloc, NULL,         image_realloc, image_free,
                                         image_copy,   image_forget, image};
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    *image = (nl_h5_image){0};
    const bool ok = H5Pset_fapl_core(access, increment, false) >= 0 &&
                    H5Pset_file_image_callbacks(access, &calls) >= 0 &&
                    H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110) >= 0 && /* checksums of metadata */
                    H5Pset_meta_block_size(access, 0) >= 0 &&
                    H5Pset_small_data_block_size(access, 0) >= 0; /* no gaps */
    hid_t file = ok ? H5Fcreate("image", H5F_ACC_TRUNC, H5P_DEFAULT, access) : -1;
    H5Pclose(access);
    return file;
}

bool nl_h5_finish_image(hid_t file, nl_h5_image *image)
{
    const ssize_t size = H5Fflush(file, H5F_SCOPE_GLOBAL) >= 0 ? H5Fget_file_image(file, NULL, 0) : -1;
    image->size = size > 0 ? (size_t)size : 0;
    return H5Fclose(file) >= 0 && size > 0;
}

/* ---- datasets ---- */

/* Small data stand in the header, which has a checksum; the others in chunks that have. */
static hid_t layout_of(const nl_h5_dataset *d, hid_t type)
{
    const hsize_t compact = 16384, most = 1 << 24; /* bytes */
    hid_t layout = H5Pcreate(H5P_DATASET_CREATE);
    hsize_t chunk[NL_H5_MAX_RANK], bytes = H5Tget_size(type);
    for (int i = 0; i < d->rank; i++)
        bytes *= chunk[i] = d->shape[i];
    if (bytes <= compact) {
        H5Pset_layout(layout, H5D_COMPACT);
        return layout;
    }
    for (int i = 0; i < d->rank; i++)
        while (bytes > most && chunk[i] > 1) {
            bytes = bytes / chunk[i] * ((chunk[i] + 1) / 2);
            chunk[i] = (chunk[i] + 1) / 2;
        }
    H5Pset_chunk(layout, d->rank, chunk);
    H5Pset_fletcher32(layout);
    return layout;
}

hid_t nl_h5_write(hid_t group, const nl_h5_dataset *d, hid_t type, const void *data)
{
    hid_t space = d->rank ? H5Screate_simple(d->rank, d->shape, NULL) : H5Screate(H5S_SCALAR);
    hid_t layout = layout_of(d, type);
    hid_t set = H5Dcreate2(group, d->name, type, space, H5P_DEFAULT, layout, H5P_DEFAULT);
    H5Pclose(layout);
    bool ok = set >= 0 && H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0;
    ok = ok && nl_h5_write_text(set, "units", d->units) && nl_h5_write_text(set, "description", d->description);
    for (int i = 0; i < d->rank && ok; i++)
        if (d->scale[i] >= 0)
            ok = H5DSattach_scale(set, d->scale[i], (unsigned)i) >= 0;
    H5Sclose(space);
    if (!ok && set >= 0)
        H5Dclose(set);
    return ok ? set : -1;
}

hid_t nl_h5_write_scale(hid_t group, const nl_h5_dataset *d, const double *data)
{
    nl_h5_dataset plain = *d;
    plain.scale[0] = -1;
    hid_t set = nl_h5_write(group, &plain, H5T_NATIVE_DOUBLE, data);
    if (set >= 0 && H5DSset_scale(set, d->name) < 0) {
        H5Dclose(set);
        return -1;
    }
    return set;
}

/* Elements of a dataset; 0 for a shape that what is stored cannot fill, which a damaged or hostile file may claim. */
static size_t count_of(hid_t set)
{
    const hsize_t best_compression = 1100; /* of HDF5's filters, in bytes */
    hid_t space = H5Dget_space(set), file = H5Iget_file_id(set);
    const hssize_t count = H5Sget_simple_extent_npoints(space);
    hsize_t stored = H5Dget_storage_size(set), size = 0;
    if (H5Fget_filesize(file, &size) < 0 || size < stored)
        stored = size;
    H5Fclose(file);
    H5Sclose(space);
    return count > 0 && (hsize_t)count / best_compression <= stored ? (size_t)count : 0;
}

/* Whether elements are compounds of two numbers r and i. HDF5 leaves what it does not find as it was in memory. */
static bool holds_complex(hid_t set)
{
    hid_t type = H5Dget_type(set);
    bool ok = H5Tget_class(type) == H5T_COMPOUND;
    for (int k = 0; k < 2 && ok; k++) {
        const int member = H5Tget_member_index(type, k ? "i" : "r");
        ok = member >= 0 && H5Tget_member_class(type, (unsigned)member) == H5T_FLOAT;
    }
    H5Tclose(type);
    return ok;
}

/* Below 0 where there is no such dataset. */
static hid_t open_dataset(hid_t group, const char *name)
{
    return H5Lexists(group, name, H5P_DEFAULT) > 0 ? H5Dopen2(group, name, H5P_DEFAULT) : -1;
}

bool nl_h5_read(hid_t group, const char *name, hid_t type, size_t count, void *data)
{
    hid_t set = open_dataset(group, name);
    if (set < 0)
        return false;
    const bool ok = count_of(set) == count && (H5Tget_class(type) != H5T_COMPOUND || holds_complex(set)) &&
                    H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0;
    H5Dclose(set);
    return ok;
}

size_t nl_h5_count(hid_t group, const char *name)
{
    hid_t set = open_dataset(group, name);
    if (set < 0)
        return 0;
    const size_t count = count_of(set);
    H5Dclose(set);
    return count;
}

bool nl_h5_is_complex(hid_t group, const char *name)
{
    hid_t set = open_dataset(group, name);
    if (set < 0)
        return false;
    const bool is_complex = holds_complex(set);
    H5Dclose(set);
    return is_complex;
}

hid_t nl_h5_open(const char *path)
{
    struct stat info;
    nl_h5_quiet();
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode) || H5Fis_hdf5(path) <= 0)
        return -1;
    return H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
}

void nl_h5_quiet(void)
{
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}
