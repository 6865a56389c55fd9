#include "h5.h"

#include <hdf5_hl.h>
#include <stdlib.h>
#include <string.h>

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

hid_t nl_h5_write(hid_t group, const nl_h5_dataset *d, hid_t type, const void *data)
{
    hid_t space = d->rank ? H5Screate_simple(d->rank, d->shape, NULL) : H5Screate(H5S_SCALAR);
    hid_t set = H5Dcreate2(group, d->name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
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

char *nl_h5_read_text(hid_t object, const char *name)
{
    if (H5Aexists(object, name) <= 0)
        return NULL;
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT), stored = H5Aget_type(attribute);
    char *inside = NULL, *text = NULL;
    if (H5Tis_variable_str(stored) > 0) {
        if (H5Aread(attribute, stored, &inside) >= 0 && inside) {
            text = strdup(inside);
            H5free_memory(inside);
        }
    }
    H5Tclose(stored);
    H5Aclose(attribute);
    return text;
}

static size_t count_of(hid_t set)
{
    hid_t space = H5Dget_space(set);
    const hssize_t count = H5Sget_simple_extent_npoints(space);
    H5Sclose(space);
    return count > 0 ? (size_t)count : 0;
}

bool nl_h5_read(hid_t group, const char *name, hid_t type, size_t count, void *data)
{
    if (H5Lexists(group, name, H5P_DEFAULT) <= 0)
        return false;
    hid_t set = H5Dopen2(group, name, H5P_DEFAULT);
    const bool ok = set >= 0 && count_of(set) == count &&
                    H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0;
    if (set >= 0)
        H5Dclose(set);
    return ok;
}

size_t nl_h5_count(hid_t group, const char *name)
{
    if (H5Lexists(group, name, H5P_DEFAULT) <= 0)
        return 0;
    hid_t set = H5Dopen2(group, name, H5P_DEFAULT);
    if (set < 0)
        return 0;
    const size_t count = count_of(set);
    H5Dclose(set);
    return count;
}

bool nl_h5_is_complex(hid_t group, const char *name)
{
    hid_t set = H5Dopen2(group, name, H5P_DEFAULT);
    if (set < 0)
        return false;
    hid_t type = H5Dget_type(set);
    const bool is_complex = H5Tget_class(type) == H5T_COMPOUND;
    H5Tclose(type);
    H5Dclose(set);
    return is_complex;
}

void nl_h5_quiet(void)
{
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}
