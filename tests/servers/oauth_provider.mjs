// An OAuth2 provider on loopback: device flow, PKCE, rotation of refresh tokens, introspection.
// Arguments: the port, and the folder whose node_modules holds oidc-provider.
// Whoever sends the header X-Test-User is that person, signed in and agreeing to everything.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const [port, modules] = process.argv.slice(2)
const require = createRequire(pathToFileURL(`${modules}/`))
const { Provider } = await import(pathToFileURL(require.resolve('oidc-provider')))

const base = `http://127.0.0.1:${port}`
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'
const native = {
  token_endpoint_auth_method: 'none',
  application_type: 'native',
  redirect_uris: ['http://127.0.0.1/callback'],
  grant_types: ['authorization_code', 'refresh_token', DEVICE],
  response_types: ['code'],
}
const provider = new Provider(base, {
  clients: [
    { client_id: 'mailvault', ...native },
    { client_id: 'hasty', ...native },  // its access tokens live for two seconds
    {
      ...native,
      client_id: 'confidential',
      client_secret: 'kanarienvogel-client-secret',
      token_endpoint_auth_method: 'client_secret_post',
    },
    {
      client_id: 'dovecot',
      client_secret: 'dovecot-secret',
      redirect_uris: [],
      response_types: [],
      grant_types: [],
    },
  ],
  scopes: ['openid', 'offline_access', 'imap'],
  features: {
    deviceFlow: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true, allowedPolicy: () => true },
  },
  interactions: { url: (ctx, interaction) => `/agree/${interaction.uid}` },
  rotateRefreshToken: true,
  ttl: {
    AccessToken: (ctx, token, client) => (client.clientId === 'hasty' ? 2 : 600),
    AuthorizationCode: 60, DeviceCode: 600, Grant: 3600, IdToken: 60, Interaction: 600,
    RefreshToken: 3600, Session: 3600,
  },
  cookies: { keys: ['tests'] },
  async findAccount(ctx, id) {
    return { accountId: id, claims: async () => ({ sub: id }) }
  },
})

const grants = {}
provider.on('grant.success', (ctx) => {
  const kind = ctx.oidc.params.grant_type
  grants[kind] = (grants[kind] ?? 0) + 1
})

async function agree(ctx) {
  const user = ctx.get('x-test-user')
  const { prompt, params, session } = await provider.interactionDetails(ctx.req, ctx.res)
  if (prompt.name === 'login') {
    const result = { login: { accountId: user } }
    await provider.interactionFinished(ctx.req, ctx.res, result)
    return
  }
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id })
  grant.addOIDCScope(params.scope)
  const result = { consent: { grantId: await grant.save() } }
  await provider.interactionFinished(ctx.req, ctx.res, result, {
    mergeWithLastSubmission: true,
  })
}

provider.use(async (ctx, next) => {
  if (ctx.path.startsWith('/agree/')) {
    ctx.respond = false
    await agree(ctx)
  } else if (ctx.path === '/grants') {
    ctx.body = grants
  } else {
    await next()
    if (ctx.path === '/device/auth' && ctx.body) ctx.body.interval = 1  // else tests wait 5 s
  }
})
provider.listen(Number(port), '127.0.0.1')
