/* The same as plain_tap.py, which says what it is for: a packet becomes a record (capture_format.py) and waits. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#include <stdint.h>
#include <string.h>

#ifndef SOURCE
#define SOURCE ""
#endif

#define RECORD 16
#define LONGEST 65535

static PyObject *name_keep_any, *name_unusual;

typedef struct {
    PyObject_HEAD
    long long limit, refused;
    PyObject *records;
} PacketTap;

static int PacketTap_traverse(PacketTap *self, visitproc visit, void *arg) {
    Py_VISIT(self->records);
    return 0;
}

static int PacketTap_clear(PacketTap *self) {
    Py_CLEAR(self->records);
    return 0;
}

static void PacketTap_dealloc(PacketTap *self) {
    PyObject_GC_UnTrack(self);
    PacketTap_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

/* Whether ``object`` is an int from 0 to ``most``; no error is set. */
static int number(PyObject *object, unsigned long long most, unsigned long long *value) {
    if (!PyLong_Check(object)) return 0;
    *value = PyLong_AsUnsignedLongLong(object);
    if (*value == (unsigned long long)-1 && PyErr_Occurred()) {
        PyErr_Clear();
        return 0;
    }
    return *value <= most;
}

static PyObject *PacketTap_packet(PacketTap *self, PyObject *const *words, Py_ssize_t count) {
    if (count != 5) {
        PyErr_Format(PyExc_TypeError, "packet() takes 5 arguments, %zd given", count);
        return NULL;
    }
    if (self->records == NULL || !PyList_Check(self->records)) {
        PyErr_SetString(PyExc_AttributeError, "_records");
        return NULL;
    }
    unsigned long long leg, payload_type, timestamp, arrival;
    PyObject *given[] = {(PyObject *)self, words[0], words[1], words[2], words[3], words[4]};
    if (!PyBytes_CheckExact(words[3]) || PyBytes_GET_SIZE(words[3]) > LONGEST || !number(words[0], 0xFF, &leg) ||
        !number(words[1], 0xFF, &payload_type) || !number(words[2], 0xFFFFFFFF, &timestamp) ||
        !number(words[4], UINT64_MAX, &arrival))
        return PyObject_VectorcallMethod(name_keep_any, given, 6, NULL);
    Py_ssize_t size = PyBytes_GET_SIZE(words[3]);
    if (size == 0 || PyList_GET_SIZE(self->records) >= self->limit)
        return PyObject_VectorcallMethod(name_unusual, given, 6, NULL);
    PyObject *record = PyBytes_FromStringAndSize(NULL, RECORD + size);
    if (record == NULL) return NULL;
    unsigned char *at = (unsigned char *)PyBytes_AS_STRING(record);
    at[0] = (unsigned char)leg;
    at[1] = (unsigned char)payload_type;
    at[2] = (unsigned char)(size >> 8);
    at[3] = (unsigned char)size;
    for (int n = 0; n < 4; n++) at[4 + n] = (unsigned char)(timestamp >> (24 - 8 * n));
    for (int n = 0; n < 8; n++) at[8 + n] = (unsigned char)(arrival >> (56 - 8 * n));
    memcpy(at + RECORD, PyBytes_AS_STRING(words[3]), (size_t)size);
    int failed = PyList_Append(self->records, record);
    Py_DECREF(record);
    if (failed) return NULL;
    Py_RETURN_NONE;
}

static PyMemberDef members[] = {
    {"limit", T_LONGLONG, offsetof(PacketTap, limit), 0, NULL},
    {"refused", T_LONGLONG, offsetof(PacketTap, refused), 0, NULL},
    {"_records", T_OBJECT_EX, offsetof(PacketTap, records), 0, NULL},
    {NULL}};
static PyMethodDef methods[] = {
    {"packet", (PyCFunction)(void (*)(void))PacketTap_packet, METH_FASTCALL, NULL}, {NULL}};

static PyTypeObject PacketTap_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "recordings._packet_tap.PacketTap",
    .tp_basicsize = sizeof(PacketTap),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_traverse = (traverseproc)PacketTap_traverse,
    .tp_clear = (inquiry)PacketTap_clear,
    .tp_dealloc = (destructor)PacketTap_dealloc,
    .tp_members = members,
    .tp_methods = methods,
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "recordings._packet_tap", .m_size = -1};

PyMODINIT_FUNC PyInit__packet_tap(void) {
    name_keep_any = PyUnicode_InternFromString("_keep_any");
    name_unusual = PyUnicode_InternFromString("_unusual");
    PyObject *made = name_keep_any && name_unusual ? PyModule_Create(&module) : NULL;
    if (made == NULL) return NULL;
    if (PyModule_AddType(made, &PacketTap_Type) < 0 || PyModule_AddStringConstant(made, "SOURCE", SOURCE) < 0) {
        Py_DECREF(made);
        return NULL;
    }
    return made;
}
