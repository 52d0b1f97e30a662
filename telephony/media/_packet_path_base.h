/* What the parts of _packet_path.c share. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#ifndef __linux__
#error "clocks and flags are those of Linux; elsewhere the packets take plain_path.py"
#endif

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#ifndef SOURCE
#define SOURCE ""
#endif

typedef long long ll;

#define SAMPLE 125000LL
#define TOLERANCE 12000000LL
#define MOST_BEHIND (320 * SAMPLE)
#define JUDGED 50
#define MOST_SAMPLES 960
#define MOST_BYTES 2048
#define RTP_HEADER 12
#define FRAME_HEADER 8

static PyObject *name_unusual, *name_wait, *name_judge, *name_keep_up, *name_last_heard, *name_packet, *name_waits;
static PyObject *name_send_audio, *name_deliver, *name_payload, *name_fileno;

static int to_ll(PyObject *object, ll *value) {
    *value = PyLong_AsLongLong(object);
    return *value == -1 && PyErr_Occurred() ? -1 : 0;
}

static int counted(const char *name, Py_ssize_t got, Py_ssize_t least, Py_ssize_t most) {
    if (got >= least && got <= most) return 0;
    PyErr_Format(PyExc_TypeError, "%s() takes %zd to %zd arguments, %zd given", name, least, most, got);
    return -1;
}

static ll now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (ll)t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* Whether the result of a call is true; takes the reference. */
static int truth(PyObject *result) {
    if (result == NULL) return -1;
    int yes = PyObject_IsTrue(result);
    Py_DECREF(result);
    return yes;
}

static int done(PyObject *result) {
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

/* record(track, payload_type, timestamp, payload, now) */
static int put_on_record(PyObject *record, PyObject *track, long payload_type, PyObject *timestamp, PyObject *payload,
                         PyObject *now) {
    PyObject *type = PyLong_FromLong(payload_type);
    if (type == NULL) return -1;
    PyObject *words[] = {track, type, timestamp, payload, now};
    int result = done(PyObject_Vectorcall(record, words, 5, NULL));
    Py_DECREF(type);
    return result;
}

#define NUMBER(type, field, name) {name, T_LONGLONG, offsetof(type, field), 0, NULL}
#define FLAG(type, field, name) {name, T_BOOL, offsetof(type, field), 0, NULL}
#define OBJECT(type, field, name) {name, T_OBJECT_EX, offsetof(type, field), 0, NULL}
#define FAST(type, name) {#name, (PyCFunction)(void (*)(void))type##_##name, METH_FASTCALL, NULL}

/* Types that hold objects: visit, clear and free them by the place of the first and their number. */
#define HOLDS(type, first, many)                                                             \
    static int type##_traverse(type *self, visitproc visit, void *arg) {                     \
        PyObject **held = &self->first;                                                      \
        for (int n = 0; n < (many); n++) Py_VISIT(held[n]);                                  \
        return 0;                                                                            \
    }                                                                                        \
    static int type##_clear(type *self) {                                                    \
        PyObject **held = &self->first;                                                      \
        for (int n = 0; n < (many); n++) Py_CLEAR(held[n]);                                  \
        return 0;                                                                            \
    }                                                                                        \
    static void type##_dealloc(type *self) {                                                 \
        PyObject_GC_UnTrack(self);                                                           \
        type##_clear(self);                                                                  \
        Py_TYPE(self)->tp_free((PyObject *)self);                                            \
    }

#define HOLDER(type, more_flags)                                                             \
    PyVarObject_HEAD_INIT(NULL, 0)                                                           \
    .tp_name = "telephony.media._packet_path." #type,                                        \
    .tp_basicsize = sizeof(type),                                                            \
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | (more_flags),                      \
    .tp_new = PyType_GenericNew,                                                             \
    .tp_traverse = (traverseproc)type##_traverse,                                            \
    .tp_clear = (inquiry)type##_clear,                                                       \
    .tp_dealloc = (destructor)type##_dealloc

static int missing(PyObject *held, const char *name) {
    if (held != NULL) return 0;
    PyErr_SetString(PyExc_AttributeError, name);
    return -1;
}
