/* The headset's side of _packet_path.c, and what joins it to the leg. */

/* -- Microphone */

typedef struct {
    PyObject_HEAD
    ll payload_type, next, received, lost;
    PyObject *on_audio, *on_frame, *other;
} Microphone;

HOLDS(Microphone, on_audio, 3)

static int Microphone_init(Microphone *self, PyObject *words, PyObject *named) {
    PyObject *other;
    if (named != NULL && PyDict_GET_SIZE(named) > 0) {
        PyErr_SetString(PyExc_TypeError, "Microphone takes no keyword arguments");
        return -1;
    }
    if (!PyArg_ParseTuple(words, "O", &other)) return -1;
    self->payload_type = self->next = -1;
    Py_INCREF(other);
    Py_XSETREF(self->other, other);
    Py_INCREF(Py_None);
    Py_XSETREF(self->on_audio, Py_None);
    Py_INCREF(Py_None);
    Py_XSETREF(self->on_frame, Py_None);
    return 0;
}

static int heard(PyObject *hears, PyObject *word) {
    Py_INCREF(hears);
    int result = done(PyObject_CallOneArg(hears, word));
    Py_DECREF(hears);
    return result;
}

static PyObject *Microphone_frame(Microphone *self, PyObject *const *words, Py_ssize_t count) {
    if (counted("frame", count, 2, 2)) return NULL;
    if (missing(self->other, "other") || missing(self->on_audio, "on_audio") || missing(self->on_frame, "on_frame"))
        return NULL;
    PyObject *frame = PyObject_CallMethodNoArgs(words[1], name_payload);
    if (frame == NULL) return NULL;
    int result = 0;
    Py_ssize_t size = PyBytes_Check(frame) ? PyBytes_GET_SIZE(frame) : 0;
    const unsigned char *data = size ? (unsigned char *)PyBytes_AS_STRING(frame) : NULL;
    if (size > FRAME_HEADER && size <= FRAME_HEADER + MOST_SAMPLES && data[0] == self->payload_type) {
        int low = data[3];
        if (low != self->next && self->next >= 0) {
            int gap = (int)(low - self->next) & 0xFF;
            if (gap < 128) self->lost += gap;
        }
        self->next = (low + 1) & 0xFF;
        self->received++;
        if (self->on_audio != Py_None) {
            PyObject *payload = PyBytes_FromStringAndSize((char *)data + FRAME_HEADER, size - FRAME_HEADER);
            result = payload == NULL ? -1 : heard(self->on_audio, payload);
            Py_XDECREF(payload);
        } else if (self->on_frame != Py_None) {
            result = heard(self->on_frame, frame);
        }
    } else {
        PyObject *given[] = {words[0], words[1], frame};
        result = done(PyObject_Vectorcall(self->other, given, 3, NULL));
    }
    Py_DECREF(frame);
    if (result < 0) return NULL;
    Py_RETURN_NONE;
}

static PyMemberDef microphone_members[] = {
    NUMBER(Microphone, payload_type, "payload_type"), NUMBER(Microphone, next, "next"),
    NUMBER(Microphone, received, "received"), NUMBER(Microphone, lost, "lost"),
    OBJECT(Microphone, on_audio, "on_audio"), OBJECT(Microphone, on_frame, "on_frame"), {NULL}};
static PyMethodDef microphone_methods[] = {FAST(Microphone, frame), {NULL}};
static PyTypeObject Microphone_Type = {
    HOLDER(Microphone, 0), .tp_init = (initproc)Microphone_init, .tp_members = microphone_members,
    .tp_methods = microphone_methods};

/* -- LegToHeadset and HeadsetToLeg */

typedef struct {
    PyObject_HEAD
    long law;
    PyObject *track, *to, *record, *kind;
} Passing;

HOLDS(Passing, track, 4)

static int passing_init(Passing *self, PyObject *words, PyObject *named, const char *form) {
    PyObject *track, *to, *record, *kind = Py_None;
    if (named != NULL && PyDict_GET_SIZE(named) > 0) {
        PyErr_SetString(PyExc_TypeError, "no keyword arguments are taken");
        return -1;
    }
    if (!PyArg_ParseTuple(words, form, &track, &to, &record, &kind)) return -1;
    if (kind != Py_None) {
        self->law = PyLong_AsLong(kind);
        if (self->law == -1 && PyErr_Occurred()) return -1;
    }
    Py_INCREF(track);
    Py_XSETREF(self->track, track);
    Py_INCREF(to);
    Py_XSETREF(self->to, to);
    Py_INCREF(record);
    Py_XSETREF(self->record, record);
    Py_INCREF(kind);
    Py_XSETREF(self->kind, kind);
    return 0;
}

static int Passing_init(Passing *self, PyObject *words, PyObject *named) {
    return passing_init(self, words, named, "OOOO");
}

static PyObject *LegToHeadset_audio(Passing *self, PyObject *const *words, Py_ssize_t count) {
    if (counted("audio", count, 4, 4) || missing(self->record, "record")) return NULL;
    if (!PyBytes_Check(words[0]) || !PyBytes_Check(words[1]) || PyBytes_GET_SIZE(words[0]) < FRAME_HEADER) {
        PyErr_SetString(PyExc_TypeError, "a datagram and a payload of bytes are needed");
        return NULL;
    }
    const unsigned char *header = (unsigned char *)PyBytes_AS_STRING(words[0]);
    Py_ssize_t size = PyBytes_GET_SIZE(words[1]);
    PyObject *frame = PyBytes_FromStringAndSize(NULL, FRAME_HEADER + size);
    if (frame == NULL) return NULL;
    unsigned char *at = (unsigned char *)PyBytes_AS_STRING(frame);
    at[0] = header[1] & 0x7F;
    at[1] = header[1] >> 7;
    memcpy(at + 2, header + 2, 6);
    memcpy(at + FRAME_HEADER, PyBytes_AS_STRING(words[1]), (size_t)size);
    PyObject *deliver = PyObject_GetAttr(self->to, name_deliver), *given[] = {self->kind, frame};
    int result = deliver == NULL ? -1 : done(PyObject_Vectorcall(deliver, given, 2, NULL));
    Py_XDECREF(deliver);
    Py_DECREF(frame);
    if (result < 0 || put_on_record(self->record, self->track, header[1] & 0x7F, words[2], words[1], words[3]) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *HeadsetToLeg_frame(Passing *self, PyObject *const *words, Py_ssize_t count) {
    if (counted("frame", count, 1, 1) || missing(self->record, "record")) return NULL;
    if (!PyBytes_Check(words[0]) || PyBytes_GET_SIZE(words[0]) < FRAME_HEADER) {
        PyErr_SetString(PyExc_TypeError, "a frame is bytes, with its header");
        return NULL;
    }
    const unsigned char *frame = (unsigned char *)PyBytes_AS_STRING(words[0]);
    ll now = now_ns();
    PyObject *payload =
        PyBytes_FromStringAndSize((char *)frame + FRAME_HEADER, PyBytes_GET_SIZE(words[0]) - FRAME_HEADER);
    PyObject *at = PyLong_FromLongLong(now), *timestamp = PyLong_FromLongLong(get32(frame + 4));
    int result = -1;
    if (payload != NULL && at != NULL && timestamp != NULL) {
        if (PyObject_TypeCheck(self->to, &Receiving_Type))
            result = receiving_send_audio((Receiving *)self->to, payload, now);
        else
            result = done(PyObject_CallMethodObjArgs(self->to, name_send_audio, payload, at, NULL));
        if (result == 0) result = put_on_record(self->record, self->track, self->law, timestamp, payload, at);
    }
    Py_XDECREF(payload);
    Py_XDECREF(at);
    Py_XDECREF(timestamp);
    if (result < 0) return NULL;
    Py_RETURN_NONE;
}

typedef Passing LegToHeadset;
typedef Passing HeadsetToLeg;
#define LegToHeadset_traverse Passing_traverse
#define LegToHeadset_clear Passing_clear
#define LegToHeadset_dealloc Passing_dealloc
#define HeadsetToLeg_traverse Passing_traverse
#define HeadsetToLeg_clear Passing_clear
#define HeadsetToLeg_dealloc Passing_dealloc

static PyMethodDef leg_to_headset_methods[] = {FAST(LegToHeadset, audio), {NULL}};
static PyTypeObject LegToHeadset_Type = {
    HOLDER(LegToHeadset, 0), .tp_init = (initproc)Passing_init, .tp_methods = leg_to_headset_methods};
static PyMethodDef headset_to_leg_methods[] = {FAST(HeadsetToLeg, frame), {NULL}};
static PyTypeObject HeadsetToLeg_Type = {
    HOLDER(HeadsetToLeg, 0), .tp_init = (initproc)Passing_init, .tp_methods = headset_to_leg_methods};
