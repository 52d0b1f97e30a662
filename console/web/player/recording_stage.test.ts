import { describe, expect, it } from 'vitest'
import type { Recording } from '@/api/calls'
import { recordingStage } from './recording_stage'

const recording = (state: string, url: string | null): Recording => ({
  id: 'r1',
  state,
  seconds: 6,
  channels: 2,
  sha256: null,
  url,
})
const stage = (state: string, url: string | null, ended_at: string | null = '2026-03-01T09:00:00Z') =>
  recordingStage({ recording: recording(state, url), ended_at })

describe('the recording of a call', () => {
  it('is offered for playing to whom the server gives its address, and to nobody else', () => {
    expect(stage('ready', '/api/recordings/r1/audio')).toBe('ready')
    expect(stage('ready', null)).toBe('forbidden')
  })

  it('is on its way until the worker has made the file', () => {
    expect(stage('capturing', null, null)).toBe('running')
    expect(stage('capturing', null)).toBe('finishing')
    expect(stage('captured', null)).toBe('finishing')
    expect(stage('failed', null)).toBe('failed')
    expect(recordingStage({ recording: null, ended_at: null })).toBe('none')
  })
})
