/*
 * What happens to each packet of a call of two that is as expected; the same as plain_path.py, which says what each name
 * is for. Whatever is unusual is a method of the Python class that inherits from one of these.
 *
 * All of it runs with the interpreter's lock held: nothing here waits.
 */
#include "_packet_path_base.h"

#include "_packet_path_leg.h"

#include "_packet_path_headset.h"

/* -- serve */

#define MOST_READY 1024

static int failing(PyObject *failed) {
    if (!PyErr_ExceptionMatches(PyExc_Exception)) return -1;
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    if (trace != NULL) PyException_SetTraceback(value, trace);
    int result = done(PyObject_CallOneArg(failed, value));
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
    return result;
}

static int serve_one(int descriptor, PyObject *readers, PyObject *callbacks, PyObject *now) {
    PyObject *key = PyLong_FromLong(descriptor);
    if (key == NULL) return -1;
    PyObject *wants = PyDict_GetItemWithError(readers, key);
    int result = 0;
    if (wants != NULL) {
        Py_INCREF(wants);
        result = done(PyObject_CallOneArg(wants, now));
        Py_DECREF(wants);
    } else if (!PyErr_Occurred() && (wants = PyDict_GetItemWithError(callbacks, key)) != NULL) {
        Py_INCREF(wants);
        result = done(PyObject_CallNoArgs(wants));
        Py_DECREF(wants);
    } else if (PyErr_Occurred()) {
        result = -1;
    }
    Py_DECREF(key);
    return result;
}

static PyObject *serve(PyObject *self, PyObject *const *words, Py_ssize_t count) {
    struct epoll_event ready[MOST_READY];
    (void)self;
    if (counted("serve", count, 5, 5)) return NULL;
    if (!PyDict_Check(words[1]) || !PyDict_Check(words[2])) {
        PyErr_SetString(PyExc_TypeError, "readers and callbacks are dicts");
        return NULL;
    }
    int descriptor = socket_descriptor(words[0]);
    if (descriptor < 0) return NULL;
    int many = epoll_wait(descriptor, ready, MOST_READY, 0);
    if (many < 0) {
        if (errno == EINTR) Py_RETURN_FALSE;
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    for (int n = 0; n < many; n++)
        if (serve_one(ready[n].data.fd, words[1], words[2], words[3]) < 0 && failing(words[4]) < 0) return NULL;
    return PyBool_FromLong(many);
}

static PyMethodDef functions[] = {{"serve", (PyCFunction)(void (*)(void))serve, METH_FASTCALL, NULL}, {NULL}};

/* -- the module */

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, .m_name = "telephony.media._packet_path", .m_size = -1, .m_methods = functions};

PyMODINIT_FUNC PyInit__packet_path(void) {
    static const struct {
        PyObject **name;
        const char *text;
    } names[] = {{&name_unusual, "_unusual"}, {&name_wait, "_wait"}, {&name_judge, "_judge"},
                 {&name_keep_up, "_keep_up"}, {&name_last_heard, "last_heard"}, {&name_packet, "_packet"},
                 {&name_waits, "_waits"}, {&name_send_audio, "send_audio"}, {&name_deliver, "deliver"},
                 {&name_payload, "get_payload_as_bytes"}, {&name_fileno, "fileno"}};
    for (size_t n = 0; n < sizeof names / sizeof *names; n++)
        if ((*names[n].name = PyUnicode_InternFromString(names[n].text)) == NULL) return NULL;
    PyObject *made = PyModule_Create(&module);
    if (made == NULL) return NULL;
    PyTypeObject *types[] = {&Reception_Type, &Pacing_Type, &transmitter_Type, &Sending_Type, &Receiving_Type,
                             &Microphone_Type, &LegToHeadset_Type, &HeadsetToLeg_Type};
    for (size_t n = 0; n < sizeof types / sizeof *types; n++) {
        if (PyModule_AddType(made, types[n]) < 0) {
            Py_DECREF(made);
            return NULL;
        }
    }
    if (PyModule_AddStringConstant(made, "SOURCE", SOURCE) < 0) {
        Py_DECREF(made);
        return NULL;
    }
    return made;
}
